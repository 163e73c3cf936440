"""From when to when: the window of recorded and of made-up traces."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from diag.formats.trace.capture import trace_caveats
from diag.formats.trace.recorded_window import recorded_level, recorded_window, unknown_end_ns
from diag.formats.trace.xspace import decode_space
from diag.formats.wire.profiler_pb2 import ProfileOptions
from diag.model.availability import Unavailable
from diag.model.events import Space
from diag.model.window import Window
from diag.testing.xspace_builder import build_space
from tests.conftest import sample_path

MS = 1_000_000
START = 1_700_000_000_000_000_000


def trace(text: str = "", *, stop_ms: int = 3000, duration_ms: int | None = None) -> Space:
    """A space whose session lasted until ``stop_ms``, asked to last ``duration_ms``."""
    space = decode_space(
        build_space(
            f"""
            env profile_start_time={START}u profile_stop_time={START + stop_ms * MS}u
            {text}
            """
        )
    )
    if duration_ms is None:
        return space
    environment, *planes = space.planes
    options = ProfileOptions(version=1, duration_ms=duration_ms).SerializeToString()
    stats = {**environment.stats, "profile_options": options}
    return replace(space, planes=(replace(environment, stats=stats), *planes))


ONE_EVENT = """
    plane /host:CPU
    line grpc-1 at=50us
      SessionRun 100..1200ms
"""


@pytest.mark.parametrize("duration_ms", [1 << 62, 86_400_001])
def test_a_duration_that_no_recording_can_have_is_unknown(duration_ms: int) -> None:
    space = trace(ONE_EVENT, duration_ms=duration_ms)
    assert recorded_window(space).end_ns == recorded_window(trace(ONE_EVENT)).end_ns
    assert recorded_window(trace(ONE_EVENT), duration_ms) == recorded_window(trace(ONE_EVENT))


@pytest.mark.parametrize("story", ["no-batching", "batch-timeout", "padding", "in-graph-batching"])
def test_every_recorded_request_lies_within_the_window_and_the_late_stop_without(
    story: str,
) -> None:
    folder = sample_path(story)
    space = decode_space((folder / "server.xplane.pb").read_bytes())
    window = recorded_window(space)
    tables = [plane.events for plane in space.planes if len(plane.events)]
    assert tables
    assert 0 < window.start_ns <= min(int(events.start_ns.min()) for events in tables)
    assert window.end_ns <= max(int(events.end_ns.max()) for events in tables)
    stats = space.planes[-1].stats
    stop_ns = int(stats["profile_stop_time"]) - int(stats["profile_start_time"])
    assert window.end_ns + 2 * MS < stop_ns
    # Load went on after the session: the truth outlasts the window, so it is no idle tail.
    truth = json.loads((folder / "truth.json").read_text())["requests"]
    assert isinstance(space.origin_unix_ns, int)
    assert max(row["run_end_unix_ns"] for row in truth) > space.origin_unix_ns + stop_ns


def test_the_window_begins_with_the_lines_and_ends_with_the_last_event() -> None:
    assert recorded_window(trace(ONE_EVENT)) == Window(50_000, 1200 * MS)


def test_the_duration_asked_for_extends_the_window_over_an_idle_end() -> None:
    space = trace(ONE_EVENT, stop_ms=2100, duration_ms=2000)
    assert recorded_window(space) == Window(50_000, 50_000 + 2000 * MS)


def test_the_servers_own_duration_wins_over_the_planned_one() -> None:
    space = trace(ONE_EVENT, stop_ms=2100, duration_ms=2000)
    assert recorded_window(space, 1500).end_ns == 50_000 + 2000 * MS
    assert recorded_window(trace(ONE_EVENT), 1500).end_ns == 50_000 + 1500 * MS


def test_an_event_after_the_duration_still_belongs_to_the_window() -> None:
    space = trace(ONE_EVENT, stop_ms=2100, duration_ms=1000)
    assert recorded_window(space).end_ns == 1200 * MS


MARKS_UNTIL_1500_MS = """
    line tf_Compute/1 at=50us
      ThreadpoolListener::Record @1100ms _p=7
      ThreadpoolListener::StartRegion @1250ms _c=7
      ThreadpoolListener::StopRegion @1500ms
"""


def test_marks_of_thread_pools_go_on_while_data_is_collected_and_do_not_move_the_end() -> None:
    assert recorded_window(trace(ONE_EVENT + MARKS_UNTIL_1500_MS)).end_ns == 1200 * MS


def test_a_trace_of_nothing_but_marks_ends_with_the_last_mark() -> None:
    space = trace("plane /host:CPU" + MARKS_UNTIL_1500_MS)
    assert recorded_window(space) == Window(50_000, 1500 * MS)


def test_of_a_session_that_was_ended_early_only_its_events_are_believed() -> None:
    space = trace(ONE_EVENT, stop_ms=1300, duration_ms=10_000)
    assert recorded_window(space).end_ns == 1200 * MS


def test_a_device_event_before_the_host_lines_still_belongs_to_the_window() -> None:
    space = trace(
        """
        plane /device:GPU:0
        line Stream #7 at=10us
          gemm 20..30us
        plane /host:CPU
        line grpc-1 at=50us
          SessionRun 60..100us
        """
    )
    assert recorded_window(space) == Window(20_000, 100_000)


def test_an_idle_server_has_an_empty_window_unless_the_duration_is_known() -> None:
    idle = "plane /host:CPU\nline grpc-1 at=50us\n"
    assert recorded_window(trace(idle)) == Window(50_000, 50_000)
    assert recorded_window(trace(idle, duration_ms=2000)) == Window(50_000, 50_000 + 2000 * MS)
    assert recorded_window(trace()) == Window(0, 0)
    assert recorded_window(trace(duration_ms=2000)) == Window(0, 2000 * MS)


def test_the_tracer_level_is_the_sessions_own() -> None:
    recorded = decode_space((sample_path("padding") / "server.xplane.pb").read_bytes())
    assert recorded_level(recorded) == 2
    assert isinstance(recorded_level(trace(ONE_EVENT)), Unavailable)
    # Version 1 of the options without a level: the level was not told.
    assert isinstance(recorded_level(trace(ONE_EVENT, duration_ms=2000)), Unavailable)


def test_damaged_options_are_no_duration() -> None:
    space = trace(ONE_EVENT, duration_ms=2000)
    environment, *planes = space.planes
    stats = {**environment.stats, "profile_options": b"\x4f\xff"}
    space = replace(space, planes=(replace(environment, stats=stats), *planes))
    assert recorded_window(space).end_ns == 1200 * MS
    assert isinstance(recorded_level(space), Unavailable)


@pytest.mark.parametrize(("stop_ms", "unknown_ms"), [(900, 0), (1500, 0), (1900, 900)])
def test_a_late_stop_without_a_duration_leaves_the_end_open(stop_ms: int, unknown_ms: int) -> None:
    text = f"""
    env profile_start_time=1700000000000000000
    env profile_stop_time={1_700_000_000_000_000_000 + stop_ms * 1_000_000}
    plane /host:CPU
    line grpc
      SessionRun 0..1000ms id=1 _p=1
    """
    space = decode_space(build_space(text))
    assert unknown_end_ns(space) == unknown_ms * 1_000_000
    assert unknown_end_ns(space, planned_duration_ms=1000) == 0
    codes = [caveat.code for caveat in trace_caveats(space)]
    assert codes == (["window-end-unknown"] if unknown_ms else [])
