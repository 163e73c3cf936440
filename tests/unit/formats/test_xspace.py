from __future__ import annotations

import mmap
import random
from pathlib import Path

import numpy as np
import pytest

from diag.errors import XSpaceDecodeError
from diag.formats.trace.event_order import CHUNK_EVENTS
from diag.formats.trace.xspace import decode_space
from diag.model.availability import Unavailable
from diag.model.events import EventTable, Plane
from diag.testing.space_builder import SpaceBuilder
from diag.testing.xspace_builder import build_space
from tests.conftest import SAMPLE_TRACES
from tests.oracle.xspace_comparison import assert_agrees_with_oracle, plain_events
from tests.oracle.xspace_messages import XSpace

SAMPLES = sorted(path.relative_to(SAMPLE_TRACES) for path in SAMPLE_TRACES.glob("**/*.xplane.pb"))


def plane_of(text: str) -> Plane:
    (plane,) = decode_space(build_space(text)).planes
    return plane


def rows_of(events: EventTable) -> list[tuple[int, int, int, str]]:
    return [
        (event.line, event.start_ns, event.end_ns, event.name) for event in plain_events(events)
    ]


def test_there_are_samples_to_compare() -> None:
    assert len(SAMPLES) >= 4


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_recorded_trace_decodes_as_protobuf_sees_it(sample: Path) -> None:
    data = (SAMPLE_TRACES / sample).read_bytes()
    assert assert_agrees_with_oracle(decode_space(data), data) > 1000


def test_end_points_are_rounded_down_and_never_durations() -> None:
    plane = plane_of(
        """
        plane /host:CPU
        line a
          first 0..1999ps
          second 1999..2000ps
          before -1ps..0ps
        """
    )
    assert rows_of(plane.events) == [
        (0, -1, 0, "before"),
        (0, 0, 1, "first"),
        (0, 1, 2, "second"),
    ]


def test_events_are_ordered_by_line_then_start_then_longest_first_and_else_as_in_the_file() -> None:
    plane = plane_of(
        """
        plane /host:CPU
        line b
          later 5..6us _p=1
          inner 1..2us _p=2
          outer 1..9us _p=3
          twin-1 1..2us _c=4
          twin-2 1..2us _p=5
        line a
          early 0..1us _p=6
        """
    )
    assert [event[3] for event in rows_of(plane.events)] == [
        "outer",
        "inner",
        "twin-1",
        "twin-2",
        "later",
        "early",
    ]
    assert plane.events.stat("_p").rows.tolist() == [0, 1, 3, 4, 5]
    assert plane.events.stat("_p").values.tolist() == [3, 2, 5, 1, 6]
    assert plane.events.stat("_c").rows.tolist() == [2]


def test_many_disordered_lines_of_all_sizes_come_out_as_protobuf_and_sorting_say() -> None:
    space = SpaceBuilder()
    plane = space.plane("/host:CPU")
    chance = random.Random(5)
    for size in (0, 1, CHUNK_EVENTS + 7, 3, CHUNK_EVENTS // 2, 0, 2, CHUNK_EVENTS // 2, 1):
        line = plane.line(f"of {size}")
        for number in range(size):
            start_ns = chance.randrange(1000)
            stats = {"_p": number} if number % 3 else {"size": number}
            line.event("e", start_ns, start_ns + chance.randrange(100), stats)
    data = space.build()
    assert assert_agrees_with_oracle(decode_space(data), data) == 2 * CHUNK_EVENTS + 14


def test_link_ids_keep_their_64_bits_whichever_integer_they_came_as() -> None:
    events = plane_of(
        """
        plane /host:CPU
        line a
          ScheduleOutputTask 0..1us _p=10457364553866936326
          ScheduleOutputTask 1..2us _p=7u
          ScheduleOutputTask 2..3us _p=7
          ScheduleOutputTask 3..4us _p=-1
        """
    ).events
    assert events.stat("_p").values.view(np.uint64).tolist() == [
        10457364553866936326,
        7,
        7,
        2**64 - 1,
    ]


def test_integers_that_came_as_text_or_double_are_read_and_others_are_absent() -> None:
    events = plane_of(
        """
        plane /host:CPU
        line a
          e 0..1us size="12" id=3.0
          e 1..2us size="twelve" id=3.5
          e 2..3us size="-1" id=1e30
        """
    ).events
    assert events.stat("size").rows.tolist() == [0, 2]
    assert events.stat("size").values.tolist() == [12, -1]
    assert events.stat("id").rows.tolist() == [0]


def test_the_first_of_two_stats_of_one_name_counts() -> None:
    message = XSpace()
    plane = message.planes.add(name="/host:CPU")
    plane.stat_metadata[1].name = "size"
    plane.stat_metadata[2].name = "size"
    stats = plane.lines.add().events.add(metadata_id=1).stats
    stats.add(metadata_id=2, int64_value=5)
    stats.add(metadata_id=1, int64_value=6)
    data = message.SerializeToString()
    space = decode_space(data)
    assert space.planes[0].events.stat("size").values.tolist() == [5]
    assert assert_agrees_with_oracle(space, data) == 1


def test_texts_may_be_references_numbers_or_bytes() -> None:
    space = SpaceBuilder()
    line = space.plane("/host:CPU").line("a")
    for start, value in enumerate(["DecodeJpeg", 7, 2.5, b"raw\xff"]):
        line.event("ExecutorState::ProcessAsync::Start", start, start, {"name": value})
    events = decode_space(space.build()).planes[0].events
    assert [events.names[i] for i in events.stat("name").values] == [
        "DecodeJpeg",
        "7",
        "2.5",
        "raw\\xff",
    ]


def test_link_types_are_kept_only_where_a_name_leaves_them_open() -> None:
    events = plane_of(
        """
        plane /host:CPU
        line a
          ProcessBatch 0..1us _ct=6 _c=1
          ASBSQueue::Schedule 1..2us _pt=6 _p=1
          ThreadpoolListener::Record @2us _pt=15 _p=9
        """
    ).events
    assert events.stat("_ct").rows.tolist() == [0]
    assert events.stat("_pt").rows.tolist() == [1]
    assert events.stat("_p").rows.tolist() == [1, 2]


def test_time_zero_is_the_profile_start_time() -> None:
    space = decode_space(
        build_space(
            """
            plane /host:CPU
            line a at=50us
              e 60..70us
            env profile_start_time=1700000000000000000 profile_stop_time=1700000001000000000
            """
        )
    )
    assert space.origin_unix_ns == 1_700_000_000_000_000_000
    assert space.planes[0].lines[0].origin_ns == 50_000
    assert space.planes[0].events.start_ns.tolist() == [60_000]
    assert space.planes[1].stats["profile_stop_time"] == 1_700_000_001_000_000_000


def wall_clock_space() -> SpaceBuilder:
    space = SpaceBuilder()
    epoch_ns = 1_600_000_000_000_000_000
    plane = space.plane("/host:CPU")
    for timestamp_ns in (epoch_ns + 500, epoch_ns):
        line = plane.line("a", timestamp_ns=timestamp_ns)
        line.event("e", timestamp_ns + 10, timestamp_ns + 20)
    return space


def test_without_it_time_zero_is_the_earliest_wall_clock_line() -> None:
    space = decode_space(wall_clock_space().build())
    assert space.origin_unix_ns == 1_600_000_000_000_000_000
    assert space.planes[0].events.start_ns.tolist() == [510, 10]


def test_wall_clock_lines_are_made_relative_to_the_profile_start_time() -> None:
    builder = wall_clock_space()
    builder.environment({"profile_start_time": 1_599_999_999_999_999_000})
    assert decode_space(builder.build()).planes[0].events.start_ns.tolist() == [1510, 1010]


def test_without_any_wall_clock_the_origin_is_unavailable() -> None:
    space = decode_space(build_space("plane /host:CPU\nline a\ne 5..6us"))
    assert isinstance(space.origin_unix_ns, Unavailable)
    assert space.planes[0].events.start_ns.tolist() == [5000]


def test_aggregated_events_are_left_out_and_counted() -> None:
    message = XSpace()
    line = message.planes.add(name="/device:TPU:0").lines.add(name="Steps")
    line.events.add(metadata_id=1, num_occurrences=9, duration_ps=5000)
    line.events.add(metadata_id=1, offset_ps=1000, duration_ps=5000)
    space = decode_space(message.SerializeToString())
    assert len(space.planes[0].events) == 1
    assert space.warnings == ("diag left out 1 aggregated events, which carry no time",)


def test_an_event_that_ends_before_it_starts_becomes_a_mark_with_a_warning() -> None:
    message = XSpace()
    line = message.planes.add(name="/host:CPU").lines.add(name="a")
    line.events.add(offset_ps=5000, duration_ps=-3000)
    space = decode_space(message.SerializeToString())
    assert rows_of(space.planes[0].events) == [(0, 5, 5, "")]
    assert space.warnings == ("diag read 1 events of negative duration as marks",)


def test_names_are_shared_by_all_planes_and_found_by_name() -> None:
    space = decode_space(
        build_space(
            """
            plane /host:CPU
            line a
              SessionRun 0..1us
            plane /device:GPU:0
            line s
              gemm 0..1us
              SessionRun 1..2us
            """
        )
    )
    host, device = space.planes
    assert host.events.names is device.events.names
    assert host.events.rows_named("SessionRun").tolist() == [0]
    assert device.events.rows_named("SessionRun").tolist() == [1]


def test_a_missing_or_unnamed_metadata_entry_gives_the_display_name_or_none() -> None:
    message = XSpace()
    plane = message.planes.add(name="/host:CPU")
    plane.event_metadata[7].display_name = "shown"
    line = plane.lines.add(display_name="thread")
    line.events.add(metadata_id=7)
    line.events.add(metadata_id=8)
    (decoded,) = decode_space(message.SerializeToString()).planes
    assert [event[3] for event in rows_of(decoded.events)] == ["shown", ""]
    assert decoded.lines[0].name == "thread"


def test_messages_of_the_server_are_kept() -> None:
    space = decode_space(build_space("error CUPTI refused\nwarning 3 dropped\nhostname vm"))
    assert (space.errors, space.warnings, space.hostnames) == (
        ("CUPTI refused",),
        ("3 dropped",),
        ("vm",),
    )


def test_no_bytes_are_a_space_without_planes() -> None:
    space = decode_space(b"")
    assert isinstance(space.origin_unix_ns, Unavailable)
    assert (space.planes, space.errors, space.warnings, space.hostnames) == ((), (), (), ())


def test_columns_are_read_only() -> None:
    events = plane_of("plane p\nline a\nb 2..3us _p=1\na 0..1us _p=2").events
    for column in (events.start_ns, events.end_ns, events.name_id, events.line_index):
        assert not column.flags.writeable
    stat = events.stat("_p")
    assert not stat.rows.flags.writeable
    assert not stat.values.flags.writeable


def test_a_mapped_file_decodes_like_its_bytes() -> None:
    path = SAMPLE_TRACES / SAMPLES[0]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        view = memoryview(mapped)
        space = decode_space(view)
        view.release()
    expected = decode_space(path.read_bytes())
    assert [len(plane.events) for plane in space.planes] == [
        len(plane.events) for plane in expected.planes
    ]
    assert np.array_equal(space.planes[0].events.end_ns, expected.planes[0].events.end_ns)


def test_more_events_than_allowed_are_refused_with_both_numbers() -> None:
    data = build_space("plane p\nline a\na 0..1us\nb 1..2us\nc 2..3us")
    assert len(decode_space(data, max_events=3).planes[0].events) == 3
    with pytest.raises(XSpaceDecodeError, match=r"3 events, the limit is 2"):
        decode_space(data, max_events=2)


def test_events_more_than_a_day_apart_are_refused() -> None:
    day = "plane p\nline a\na 0..1us\nb {}..{}s"
    assert len(decode_space(build_space(day.format(86_000, 86_400))).planes[0].events) == 2
    with pytest.raises(XSpaceDecodeError, match="times reach from 0 to 86401000000000 ns"):
        decode_space(build_space(day.format(86_000, 86_401)))


def test_events_more_than_a_day_from_the_origin_are_refused() -> None:
    text = "env profile_start_time=1700000000000000000\nplane p\nline a\na 86399..{}s"
    assert len(decode_space(build_space(text.format(86_400))).planes[1].events) == 1
    with pytest.raises(XSpaceDecodeError, match="times reach from 0"):
        decode_space(build_space(text.format(86_401)))
