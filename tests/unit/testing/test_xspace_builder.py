from __future__ import annotations

from typing import Any

import pytest

from diag.formats.trace.xspace import decode_space
from diag.testing.space_builder import SpaceBuilder
from diag.testing.xspace_builder import SpaceTextError, build_space
from tests.oracle.xspace_messages import XSpace


def built(text: str) -> Any:
    """What protobuf reads of the bytes."""
    return XSpace.FromString(build_space(text))


def stats_of(text: str) -> list[tuple[str, str, Any]]:
    (plane,) = built(f"plane p\nline l\ne @0ns {text}").planes
    names = {number: entry.name for number, entry in plane.stat_metadata.items()}
    found = []
    for stat in plane.lines[0].events[0].stats:
        kind = stat.WhichOneof("one")
        value = getattr(stat, kind)
        found.append((names[stat.metadata_id], kind, names[value] if "ref" in kind else value))
    return found


def test_planes_lines_and_events_are_as_written() -> None:
    space = built(
        """
        # a comment
        plane /device:GPU:0 id=4
        stat device_vendor=Nvidia
        line Stream #7(Compute) id=7 at=50us
          gemm kernel 60..62.5us
        line idle
        error CUPTI refused
        warning 3 dropped
        hostname vm
        """
    )
    (plane,) = space.planes
    assert (plane.id, plane.name) == (4, "/device:GPU:0")
    assert [(line.id, line.name, line.timestamp_ns) for line in plane.lines] == [
        (7, "Stream #7(Compute)", 50_000),
        (2, "idle", 0),
    ]
    (event,) = plane.lines[0].events
    assert plane.event_metadata[event.metadata_id].name == "gemm kernel"
    assert (event.offset_ps, event.duration_ps) == (10_000_000, 2_500_000)
    (stat,) = plane.stats
    assert plane.stat_metadata[stat.ref_value].name == "Nvidia"
    assert (list(space.errors), list(space.warnings)) == (["CUPTI refused"], ["3 dropped"])
    assert list(space.hostnames) == ["vm"]


@pytest.mark.parametrize(
    ("span", "start_ps", "duration_ps"),
    [
        ("1..2ns", 1_000, 1_000),
        ("1ns..2us", 1_000, 1_999_000),
        ("0.5..1.25ms", 500_000_000, 750_000_000),
        ("1..1s", 10**12, 0),
        ("-3..4ps", -3, 7),
        ("@5us", 5_000_000, 0),
    ],
)
def test_spans_are_exact_in_every_unit(span: str, start_ps: int, duration_ps: int) -> None:
    event = built(f"plane p\nline l\ne {span}").planes[0].lines[0].events[0]
    assert (event.offset_ps, event.duration_ps) == (start_ps, duration_ps)
    assert event.WhichOneof("one") == "offset_ps"


def test_stats_are_typed_as_the_profiler_types_them() -> None:
    assert stats_of(
        'a=7 b=-1 c=18446744073709551615 d=7u e=1.5 f=word g="two \\"words\\"" h="8"'
    ) == [
        ("a", "int64_value", 7),
        ("b", "int64_value", -1),
        ("c", "uint64_value", 2**64 - 1),
        ("d", "uint64_value", 7),
        ("e", "double_value", 1.5),
        ("f", "ref_value", "word"),
        ("g", "ref_value", 'two "words"'),
        ("h", "ref_value", "8"),
    ]


def test_an_event_may_bear_a_keyword_for_a_name() -> None:
    (plane,) = built("plane p\nline l\nerror 1..2us\nline 3..4us").planes
    assert [entry.name for entry in plane.event_metadata.values()] == ["error", "line"]


def test_the_environment_is_a_plane_of_its_own() -> None:
    space = built("env profile_start_time=1700000000000000000")
    assert space.planes[0].name == "Task Environment"
    assert space.planes[0].stats[0].int64_value == 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("line a", "line 1: there is no plane yet: 'line a'"),
        ("plane p\ne 0..1us", "line 2: there is no line yet"),
        ("plane p\nline l\ne 0..1", "line 3: neither a statement nor NAME START..END"),
        ("plane p\nline l\ne 2..1us", "line 3: ends before it starts"),
        ("plane p\nline l\ne 0..1us size", "'size' is not KEY=VALUE"),
        ("plane p\nline l\ne 0..1us size=1 size=2", "size is given twice"),
        ('plane p\nline l\ne 0..1us name="open', "is not KEY=VALUE"),
        ("plane p\nline l\ne 0..0.5ps", "finer than a picosecond"),
        ("plane p\nline l at=1ps", "whole nanoseconds"),
        ("plane p\nline l at=soon", "'soon' is no time such as 5us"),
        ("stat a=1", "there is no plane yet"),
    ],
)
def test_a_malformed_line_is_named(text: str, complaint: str) -> None:
    with pytest.raises(SpaceTextError) as caught:
        build_space(text)
    assert complaint in str(caught.value)


def test_thousands_of_events_can_be_added_one_by_one() -> None:
    space = SpaceBuilder()
    line = space.plane("/host:CPU").line("a", line_id=9)
    for number in range(5000):
        line.event("e", number * 10, number * 10 + 5, {"id": number})
    events = XSpace.FromString(space.build()).planes[0].lines[0].events
    assert len(events) == 5000
    assert (events[-1].offset_ps, events[-1].duration_ps) == (49_990_000, 5_000)


def test_facts_about_the_capture_make_one_plane_however_many_lines_tell_them() -> None:
    space = decode_space(build_space("env profile_start_time=7\nplane /host:CPU\nenv other=8"))
    assert [(plane.name, plane.stats) for plane in space.planes] == [
        ("Task Environment", {"profile_start_time": 7, "other": 8}),
        ("/host:CPU", {}),
    ]
