"""A loop in the graph that preprocesses row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.findings.ranking import not_looked_for
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Gain
from diag.model.samples import SampleSeries
from tests.conftest import sample_path
from tests.recordings import recorded
from tests.unit.analysis.traces import analyzed, capture_of
from tests.unit.findings.servers import AT_ONCE, sessions, unfounded_numbers

BODY = "map/while/body/_1/DecodeJpeg:DecodeJpeg"
SERIAL, PLAIN = "serial-preprocessing-loop", "preprocessing-in-graph"


def looping(spans: list[tuple[int, int]], name: str = BODY) -> str:
    """Four requests, each with the op at these times of its run, µs."""
    text = sessions(4)
    for i in range(4):
        line = "".join(
            f"\n    {name} {i * 1000 + start}..{i * 1000 + end}us" for start, end in spans
        )
        burst = f"ExecutorState::Process {i * 1000 + 30}..{i * 1000 + 900}us id={i} _c={1000 + i}\n"
        text = text.replace(burst, burst + line + "\n")
    return text


TWO_ROWS = [(40, 340), (350, 650)]


def first(analysis: Analysis) -> Finding:
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    assert len({SERIAL, PLAIN} & {each.id for each in findings}) == 1
    return findings[0]


def test_rows_one_after_the_other_take_the_place_of_preprocessing() -> None:
    found = first(analyzed(looping(TWO_ROWS), AT_ONCE))
    assert found.id == SERIAL
    assert found.what == (
        "Requests spend 90% of their time in the loop `map/while`, which runs `DecodeJpeg` for 2 "
        "rows a run, one after the other."
    )
    assert found.remedies[0].action.startswith("Let rows run at once")
    text = looping(TWO_ROWS, "map/while/body/_1/Split:StringSplitV2")
    other = first(analyzed(text, AT_ONCE))
    assert other.remedies[0].action.startswith("Vectorise `map/while`")
    assert isinstance(found.gain, Unavailable)


def test_with_known_cores_the_gain_is_a_range() -> None:
    sample = {"unix_ns": 0, "cpu_percent": [40.0] * 4}
    series = SampleSeries("host", 50_000_000, {"cpu_percent": "%"}, (sample,))
    capture = capture_of(looping(TWO_ROWS)).with_batching_parameters(AT_ONCE)
    found = first(analyze(replace(capture, host_samples=series)))
    assert isinstance(found.gain, Gain)
    # Two rows at once instead of one after the other: half of 600 µs.
    assert found.gain.now - found.gain.low == pytest.approx(300_000)
    assert found.gain.high == found.gain.now


@pytest.mark.parametrize(
    "text",
    [
        looping([(40, 650)]),  # one row
        looping(TWO_ROWS, "decode/DecodeJpeg:DecodeJpeg"),
        looping(TWO_ROWS, "meanwhile/DecodeJpeg:DecodeJpeg"),
    ],
    ids=["one row", "no loop", "another name"],
)
def test_without_a_loop_over_rows_it_is_preprocessing_alone(text: str) -> None:
    assert first(analyzed(text, AT_ONCE)).id == PLAIN


def test_without_an_op_in_a_loop_it_says_so() -> None:
    lacking = dict(not_looked_for(analyzed(sessions(4), AT_ONCE)))
    assert lacking[SERIAL] == "no preprocessing op of a loop was recorded"


@pytest.mark.parametrize(("at_once", "rule"), [(1, SERIAL), (10, PLAIN)])
def test_a_recorded_map_fn(at_once: int, rule: str) -> None:
    analysis = analyze(recorded(f"map-fn-{at_once}-at-once-tf2.21.0"))
    loop = analysis.preprocess_loop
    assert not isinstance(loop, Unavailable)
    assert (loop.name, loop.runs, loop.iterations) == ("map/while", 16, 6)
    assert loop.ops == ("DecodeJpeg", "ResizeArea")
    assert find(analysis)[0].id == rule


def test_the_demo_has_a_loop_of_one_row_a_batch() -> None:
    analysis = analyze(open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip"))
    loop = analysis.preprocess_loop
    assert not isinstance(loop, Unavailable)
    assert (loop.name, loop.iterations) == ("map/while", 1)
    assert find(analysis)[0].id == PLAIN
