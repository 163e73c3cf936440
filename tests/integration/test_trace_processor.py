"""Exported timelines in Perfetto's own trace_processor: every sample, in both formats."""

from __future__ import annotations

from pathlib import Path

import pytest

import diag
from diag.formats.trace.event_names import HOST_PLANE
from diag.model.loops import LOOP_STAGES
from diag.model.printable import printable
from diag.testing.gpu_server import SCENARIOS, simulate
from diag.testing.space_builder import SpaceBuilder
from tests.conftest import SAMPLE_TRACES
from tests.support.trace_processor import query
from tests.unit.report.rendering import HOSTILE_NAMES

SAMPLES = sorted(
    path.relative_to(SAMPLE_TRACES)
    for pattern in ("*/server.xplane.pb", "*/bundle.zip")
    for path in SAMPLE_TRACES.glob(pattern)
)
FORMATS = tuple(diag.TIMELINE_FORMATS)
# Trace-event JSON has no other place for an arrow than the innermost slice at its time.
INNERMOST = {"perfetto": "''", "chrome": "'run', 'schedule'"}
PROBLEMS = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"


def test_samples_were_found() -> None:
    assert len(SAMPLES) >= 6


def write(analysis: diag.Analysis, format_: str, folder: Path) -> Path:
    path = folder / f"timeline{diag.TIMELINE_FORMATS[format_].suffix}"
    timeline = diag.encode_timeline(analysis, format_)
    assert timeline.left_out == ()
    path.write_bytes(b"".join(timeline.chunks))
    return path


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_every_sample_opens_and_has_what_the_analysis_found(
    sample: Path, format_: str, tmp_path: Path
) -> None:
    analysis = diag.analyze(diag.open_bundle(SAMPLE_TRACES / sample))
    problems, requests, batches, iterations, idle, recorded, arrows = query(
        write(analysis, format_, tmp_path),
        PROBLEMS,
        "select count(*), coalesce(sum(dur), 0) from slice where name glob 'request [0-9]*'",
        "select count(*) from slice where name glob 'batch [0-9]*'",
        "select count(*), coalesce(sum(dur), 0) from slice where name glob 'iteration [0-9]*'",
        "select coalesce(sum(dur), 0) from slice where category glob 'confidence *'",
        "select count(*) from slice",
        "select count(*) from flow",
    )
    assert problems == []
    table = analysis.requests
    assert requests == [[len(table), int(table.duration_ns.sum())]]
    assert batches == [[len(analysis.batches)]]
    loops = analysis.loops
    spans = () if isinstance(loops, diag.Unavailable) else loops.iterations.duration_ns
    assert iterations == [[len(spans), sum(spans)]]
    assert idle == [[sum(each.idle_ns for each in analysis.idle)]]
    assert recorded[0][0] >= sum(len(plane.events) for plane in analysis.capture.planes)
    assert arrows == [[len(table.batch_index)]]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_kernel_is_connected_with_its_batch_and_that_with_its_requests(
    format_: str, tmp_path: Path
) -> None:
    analysis = diag.analyze(simulate(SCENARIOS["queue-fill"].plan, seed=1).capture())
    problems, from_batches, kernel = query(
        write(analysis, format_, tmp_path),
        PROBLEMS,
        "select count(*) from flow join slice s on s.id = slice_out where s.name glob 'batch *'",
        "select distinct s.name glob 'batch *' or s.name glob 'request *' or s.name in "
        f"({INNERMOST[format_]}) "
        "from preceding_flow((select max(slice_in) from flow "
        "join slice out on out.id = slice_out where out.name glob 'batch *')) "
        "join slice s on s.id = slice_out",
    )
    assert problems == []
    (device,) = analysis.devices
    assert 0 < from_batches[0][0] <= device.kernels + device.copies + device.memsets
    assert kernel == [[1]]


@pytest.mark.parametrize("format_", FORMATS)
def test_stages_and_sampled_functions_of_a_loop_are_below_its_iterations(
    format_: str, tmp_path: Path
) -> None:
    analysis = diag.analyze(diag.open_bundle(SAMPLE_TRACES / "loop-naive" / "bundle.zip"))
    assert not isinstance(analysis.loops, diag.Unavailable)
    stages, load = query(
        write(analysis, format_, tmp_path),
        "select s.name, sum(s.dur) from slice s join slice i on s.parent_id = i.id "
        "where i.name glob 'iteration [0-9]*' group by s.name",
        "select sum(dur) from slice where name = 'naive.py:29 load_image'",
    )
    table = analysis.loops.iterations
    assert dict(stages) == {
        stage.value: time_ns
        for stage, time_ns in zip(LOOP_STAGES, table.stage_ns.sum(axis=0).tolist(), strict=True)
        if time_ns
    }
    # It is in each iteration, 100 of about 108 ms.
    assert load[0][0] == pytest.approx(0.93 * analysis.capture.window.duration_ns, rel=0.05)


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_names_arrive_as_text(format_: str, tmp_path: Path) -> None:
    space = SpaceBuilder()
    thread = space.plane(HOST_PLANE).line("grpc")
    # A trace with bytes that are no UTF-8 is refused when it is read.
    hostile = [name for key, name in HOSTILE_NAMES.items() if key != "surrogate"]
    for index, name in enumerate(hostile):
        thread.event(name, index * 10_000, index * 10_000 + 5_000)
    analysis = diag.analyze(diag.open_bundle(space.build()))
    problems, names = query(
        write(analysis, format_, tmp_path), PROBLEMS, "select name from slice order by ts"
    )
    assert problems == []
    shown = [printable(name, 1000) for name in hostile]
    assert {name for (name,) in names} >= set(shown)
