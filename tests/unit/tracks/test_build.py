"""From an analysis to tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diag.analysis.pipeline import analyze
from diag.analysis.result import Analysis
from diag.errors import UsageError
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.loops import LOOP_STAGES
from diag.model.serving import STAGES
from diag.model.tracks import CounterTrack, SliceTrack, TrackGroup, TrackSet
from diag.testing.gpu_server import SCENARIOS, simulate
from diag.tracks.build import make_tracks
from diag.tracks.encode import encode_timeline
from diag.tracks.iterations import iteration_group
from diag.tracks.requests import request_group
from tests.conftest import sample_path
from tests.unit.analysis.loops.programs import (
    ANSWERING,
    LOADING,
    LOOPING,
    TAKING,
    analyzed_program,
    both,
    eager,
    functions,
    sampled,
)
from tests.unit.report.factory import MS, make_analysis, make_capture, make_rich_capture


@pytest.fixture(name="cpu", scope="module")
def _cpu() -> Analysis:
    return analyze(open_bundle(sample_path("batch-timeout")))


@pytest.fixture(name="gpu", scope="module")
def _gpu() -> Analysis:
    return analyze(simulate(SCENARIOS["queue-fill"].plan, seed=1).capture())


def group_of(tracks: TrackSet, name: str) -> TrackGroup:
    return next(group for group in tracks.groups if group.name == name)


def slices_in(group: TrackGroup) -> list[tuple[str, int, int]]:
    return [
        (track.slices.names[name], start, end)
        for track in group.tracks
        if isinstance(track, SliceTrack)
        for name, start, end in zip(
            track.slices.name_id.tolist(),
            track.slices.start_ns.tolist(),
            track.slices.end_ns.tolist(),
            strict=True,
        )
    ]


def counter(tracks: TrackSet, group: str, name: str) -> CounterTrack:
    (found,) = (track for track in group_of(tracks, group).tracks if track.name == name)
    assert isinstance(found, CounterTrack)
    return found


def test_the_stages_of_a_request_cover_it_and_add_up_to_its_row(cpu: Analysis) -> None:
    slices = slices_in(group_of(make_tracks(cpu), "requests"))
    requests = {int(name.split()[1]): (s, e) for name, s, e in slices if name.startswith("request")}
    assert len(requests) == len(cpu.requests) == 164
    stages = {stage.value for stage in STAGES}
    pieces = [(name, s, e) for name, s, e in slices if name in stages]
    for row, (start, end) in requests.items():
        assert (start, end) == (cpu.requests.start_ns[row], cpu.requests.end_ns[row])
    total = sum(end - start for start, end in requests.values())
    assert sum(end - start for _, start, end in pieces) == total
    for stage in STAGES:
        time_ns = sum(end - start for name, start, end in pieces if name == stage.value)
        assert time_ns == cpu.requests.stage_ns[:, stage.index].sum(), stage


def test_every_recorded_event_is_on_a_track_once(cpu: Analysis, gpu: Analysis) -> None:
    for analysis in (cpu, gpu):
        tracks = make_tracks(analysis)
        recorded = [group for group in tracks.groups if group.is_recorded]
        assert tracks.left_out == ()
        assert sum(len(slices_in(group)) for group in recorded) == sum(
            len(plane.events) for plane in analysis.capture.planes
        )


def test_idle_time_and_busy_share_agree_with_the_analysis(gpu: Analysis) -> None:
    tracks = make_tracks(gpu)
    for gaps in gpu.idle:
        name = gaps.timeline.name
        (track,) = (each for each in group_of(tracks, "idle").tracks if each.name == name)
        assert isinstance(track, SliceTrack)
        assert int((track.slices.end_ns - track.slices.start_ns).sum()) == gaps.idle_ns
        busy = counter(tracks, "load", f"{name} busy")
        assert (busy.time_ns[0], busy.time_ns[-1]) == (
            gaps.timeline.window.start_ns,
            gaps.timeline.window.end_ns,
        )
        share = float((busy.values[:-1] * np.diff(busy.time_ns)).sum()) / 100
        assert share == pytest.approx(gaps.timeline.busy_ns, abs=len(busy.values))
        assert busy.values.min() >= 0
        assert busy.values.max() <= 100


def test_arrows_go_from_requests_to_batches_and_from_batches_to_their_kernels(
    gpu: Analysis,
) -> None:
    tracks = make_tracks(gpu)
    ends: dict[int, list[str]] = {}
    for group in tracks.groups:
        for track in group.tracks:
            if isinstance(track, CounterTrack):
                continue
            for details in track.slices.details.values():
                for number in (each for numbers in details.arrows for each in numbers):
                    ends.setdefault(number, []).append(group.name)
            if track.slices.arrow is not None:
                for number in track.slices.arrow[track.slices.arrow > 0].tolist():
                    ends.setdefault(number, []).append(group.name)
    kinds = [" to ".join(pair) for pair in ends.values()]
    assert set(kinds) == {"requests to batches", "batches to /device:GPU:0"}
    assert kinds.count("requests to batches") == len(gpu.requests.batch_index)
    (device,) = gpu.devices
    linked = device.kernels + device.copies + device.memsets - device.unlinked
    assert 0 < kinds.count("batches to /device:GPU:0") <= linked


def test_requests_in_flight_rise_and_fall_to_zero() -> None:
    analysis = make_analysis()
    found = counter(make_tracks(analysis), "load", "requests in flight")
    assert found.time_ns.tolist() == [0, 12 * MS, 20 * MS, 32 * MS, 40 * MS, 52 * MS]
    assert found.values.tolist() == [1, 0, 1, 0, 1, 0]


def test_tasks_wait_in_their_queue_as_long_as_the_stages_say(cpu: Analysis) -> None:
    (track,) = (
        each for each in group_of(make_tracks(cpu), "load").tracks if each.name.startswith("tasks")
    )
    assert isinstance(track, CounterTrack)
    waiting_ns = float((track.values[:-1] * np.diff(track.time_ns)).sum())
    table = cpu.requests
    queued = [i for i, stage in enumerate(STAGES) if stage.value in _QUEUED]
    assert waiting_ns == pytest.approx(table.stage_ns[:, queued].sum(), rel=0.02)


_QUEUED = {"queue-fill", "queue-thread", "queue-dispatch"}


def test_samples_are_on_the_clock_of_the_trace() -> None:
    tracks = make_tracks(make_analysis(capture=make_rich_capture()))
    found = counter(tracks, "samples", "host cpu_percent 1")
    assert (found.unit, found.time_ns.tolist(), found.values.tolist()) == ("%", [0, 1], [100, 20])


def test_samples_before_the_trace_are_left_out() -> None:
    capture = make_rich_capture()
    early = replace(capture, origin_unix_ns=capture.origin_unix_ns + 1)
    found = counter(make_tracks(make_analysis(capture=early)), "samples", "host cpu_percent 1")
    assert (found.time_ns.tolist(), found.values.tolist()) == ([0], [20])


def test_without_the_time_of_day_samples_are_left_out_and_it_says_so() -> None:
    capture = replace(make_rich_capture(), origin_unix_ns=Unavailable("no start time"))
    tracks = make_tracks(make_analysis(capture=capture))
    assert tracks.left_out == ("Samples are left out: no start time.",)
    assert "samples" not in {group.name for group in tracks.groups}


def test_only_the_slowest_of_too_many_requests_have_stages(cpu: Analysis) -> None:
    group, without = request_group(cpu, {}, paths_max=10)
    assert without == 154
    names = [name for name, _, _ in slices_in(group)]
    assert sum(name.startswith("request ") for name in names) == 164
    slowest = np.sort(cpu.requests.duration_ns)[-10:].sum()
    pieces = [(s, e) for name, s, e in slices_in(group) if not name.startswith("request ")]
    assert sum(e - s for s, e in pieces) == slowest


def test_a_source_without_anything_gives_a_file_without_tracks() -> None:
    analysis = make_analysis(capture=make_capture())
    empty = replace(
        analysis,
        requests=replace_rows(analysis),
        timelines=(),
        gaps=analysis.gaps,
    )
    assert [group.name for group in make_tracks(empty).groups] == ["batches"]


def replace_rows(analysis: Analysis) -> object:
    table = analysis.requests
    none = slice(0, 0)
    columns = ("start_ns", "end_ns", "rows", "model_index", "mode_index", "complete")
    columns += ("linked_by_index", "stage_ns", "stage_known", "batch_index")
    cut = {name: getattr(table, name)[none] for name in columns}
    return replace(table, **cut, batch_offsets=np.zeros(1, np.int64))


def test_iterations_are_shown_by_thread_with_their_stages_in_order() -> None:
    text = eager(4, 1000)
    second = text.replace("plane /host:CPU\n", "").replace("id=77", "id=5")
    analysis = analyzed_program(f"{text}\n{second}")
    group = group_of(make_tracks(analysis), "iterations")
    assert [track.name for track in group.tracks] == ["python #1", "python #2"]
    table = analysis.loops.iterations
    slices = slices_in(group)
    begin, end = int(table.start_ns[1]), int(table.end_ns[1])
    first = slices.index(("iteration 1", begin, end))
    us, at, stages = 1000, begin, []
    for name, length in [
        ("not-known", 1000),
        ("convert", 50),
        *[("dispatch", 100), ("model", 100)] * 2,
    ]:
        stages.append((name, at, at + length * us))
        at += length * us
    assert slices[first + 1 : first + 7] == stages
    for stage in LOOP_STAGES:
        time_ns = sum(e - s for name, s, e in slices if name == stage.value)
        assert time_ns == table.stage_ns[:, stage.index].sum(), stage
    track = group.tracks[1]
    assert isinstance(track, SliceTrack)
    assert dict(track.slices.details[0].facts)["iteration"] == 4
    assert dict(track.slices.details[0].facts)["call"] == "eager ops"


def test_only_the_slowest_of_too_many_iterations_have_stages() -> None:
    analysis = analyzed_program(functions(5, 1000, 500))
    group, without = iteration_group(analysis, detailed_max=2)
    names = [name for name, _, _ in slices_in(group)]
    assert (without, names.count("model"), sum("iteration" in name for name in names)) == (3, 2, 5)


def test_functions_of_samples_are_below_their_callers_and_in_the_place_of_their_ticks() -> None:
    """One sample a ms stands for the half ms before it and the half ms after it."""
    rows = [(500, LOADING), (1500, LOADING), (2500, TAKING), (3500, LOOPING), (9500, ANSWERING)]
    other = sampled([(500, LOOPING)], line=99)
    samples = replace(other, thread_id=other.thread_id + 1)
    analysis = analyzed_program(eager(4, 1000), both(sampled(rows), samples))
    group = group_of(make_tracks(analysis), "functions")
    assert [track.name for track in group.tracks] == ["python", "thread 2"]
    us = 1000
    serve, load = "serve.py:3 serve", "serve.py:10 load"
    assert slices_in(group) == [
        (serve, 0, 4000 * us),
        (load, 0, 2000 * us),
        ("queue.py:154 Queue.get", 2000 * us, 3000 * us),
        (serve, 9000 * us, 10_000 * us),
        ("serve.py:20 answer", 9000 * us, 10_000 * us),
        (serve, 0, 1000 * us),
    ]


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        encode_timeline(make_analysis(), "svg")
    assert caught.value.hint == "the formats: perfetto, chrome"
