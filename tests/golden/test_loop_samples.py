"""Recordings of docs/examples/serving_loop: each fix brings what the recording before it said.

The truth is how the programs are made: an image takes 100 ms to fetch (``time.sleep``), one at a
time in ``loop-naive``, two in ``loop-pipeline``, and as many as the second says in ``loop-pool``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import find
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.loops import FunctionPlace, LoopStage
from tests.conftest import sample_path

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.finding import Finding
    from diag.model.loops import Loops

FETCH_NS = 100_000_000
PAGE = Path(__file__).parents[2] / "docs" / "loops.md"
SHOWN = re.compile(r"(<!-- verdict of (loop-\w+) -->\n```text\n)(.*?)(```\n)", re.S)
GOLDEN = Path(__file__).parent / "reports"


@cache
def recording(name: str) -> tuple[Analysis, Loops]:
    analysis = analyze(open_bundle(sample_path(f"loop-{name}") / "bundle.zip"))
    assert not isinstance(analysis.loops, Unavailable)
    return analysis, analysis.loops


def first(name: str) -> Finding:
    return find(recording(name)[0])[0]


def verdict_text(name: str) -> str:
    """The head and the verdict with its change, as the report prints them."""
    return "\n\n".join((GOLDEN / f"{name}.txt").read_text().split("\n\n")[:2]) + "\n"


def shown_again(match: re.Match[str]) -> str:
    return f"{match[1]}{verdict_text(match[2])}{match[4]}"


def test_the_naive_loop_waits_for_each_image_in_a_named_function() -> None:
    _, loops = recording("naive")
    assert not isinstance(loops.functions, Unavailable)
    function = loops.functions[0]
    assert (function.file, function.name) == ("naive.py", "load_image")
    assert function.share * loops.mean_ns() == pytest.approx(FETCH_NS, rel=0.05)
    assert function.cpu_ratio < 0.1
    assert first("naive").id == "synchronous-preprocessing"


def test_the_pipeline_fetches_two_at_a_time_and_its_pool_is_full() -> None:
    _, loops = recording("pipeline")
    (pipeline,) = loops.pipelines
    stage = pipeline.critical_stage
    assert stage is not None
    assert stage.function_ns == pytest.approx(FETCH_NS, rel=0.05)
    assert (pipeline.threadpool_size, round(stage.used)) == (2, 2)
    assert not isinstance(loops.functions, Unavailable)
    assert (loops.functions[0].name, loops.functions[0].place) == ("load_image", FunctionPlace.MAP)
    assert loops.mean_ns() == pytest.approx(FETCH_NS / 2, rel=0.1)
    finding = first("pipeline")
    assert finding.id == "input-pipeline-bound"
    threads = int(re.search(r"private_threadpool_size = (\d+)", finding.remedies[0].action)[1])
    (larger,) = recording("pool")[1].pipelines
    assert larger.threadpool_size == threads  # the advice that was followed


def test_each_fix_brings_what_was_said_before_it() -> None:
    for before, after in (("naive", "pipeline"), ("pipeline", "pool")):
        gain = first(before).gain
        assert not isinstance(gain, Unavailable)
        _, loops = recording(after)
        assert 0.9 * gain.low <= loops.mean_ns() <= 1.1 * gain.high, (before, after)


def test_the_wait_for_input_is_gone_at_the_end() -> None:
    shares = [
        recording(name)[1].share(LoopStage.PREPROCESS, LoopStage.INPUT_WAIT)
        for name in ("naive", "pipeline", "pool")
    ]
    assert shares[0] > 0.9
    assert shares == sorted(shares, reverse=True)


def test_the_page_shows_what_is_printed() -> None:
    shown = {match[2]: match[3] for match in SHOWN.finditer(PAGE.read_text())}
    assert set(shown) == {"loop-naive", "loop-pipeline", "loop-pool"}
    for name, text in shown.items():
        assert text == verdict_text(name)
