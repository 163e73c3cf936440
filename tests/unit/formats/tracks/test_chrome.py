"""Trace-event JSON: what is in it, and what is left out of a large one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from diag.formats.tracks.chrome import encode_chrome, left_out, shortest_kept_ns
from diag.model.printable import printable
from diag.model.tracks import Details, Slices, SliceTrack, TrackGroup, TrackSet
from tests.unit.formats.tracks.made import ORIGIN_UNIX_NS, make_tracks
from tests.unit.report.rendering import HOSTILE_NAMES


def read(tracks: TrackSet, least_ns: int = 0) -> Any:
    return json.loads(b"".join(encode_chrome(tracks, least_ns)))


def told(document: Any) -> list[str]:
    """Each event without the metadata."""
    lines = []
    for event in document["traceEvents"]:
        if event["ph"] != "M":
            keys = ("name", "ts", "dur", "cat", "id", "args")
            parts = [str(event[key]) for key in keys if key in event]
            lines.append(" ".join([event["ph"], f"{event['pid']}.{event.get('tid', '')}", *parts]))
    return lines


def test_every_slice_counter_and_arrow_to_the_letter() -> None:
    document = read(make_tracks())
    assert document["displayTimeUnit"] == "ns"
    assert document["otherData"] == {
        "source": "MatMul",
        "origin_unix_ns": str(ORIGIN_UNIX_NS),
        "shift_ns": 0,
        "left_out": [],
    }
    assert told(document) == [
        "X 1.1 request 0 0.0 9.0 {'model': 'MatMul', 'rows': 2, 'fill': 0.5}",
        "X 1.1 queue-fill 0.0 4.0",
        "X 2.1 batch 0 4.0 4.0 {}",
        "s 1.1 link 0.0 link 1",
        "f 2.1 link 4.0 link 1",
        "X 3.1 launch 0.0 5.0 confidence high",
        "C 4. in flight (requests) 0.0 {'value': 1.0}",
        "C 4. in flight (requests) 9.0 {'value': 0.0}",
        "X 5.1 MatMul 0.1 0.2",
        "i 5.1 mark 0.2",
        "X 6.1 gemm 5.0 1.0",
        "X 6.1 gemm 6.0 1.001",
        "s 2.1 link 4.0 link 2",
        "f 6.1 link 5.0 link 2",
        "s 2.1 link 4.0 link 3",
        "f 6.1 link 6.0 link 3",
    ]


def test_times_before_the_recording_move_all_times_and_it_says_so() -> None:
    document = read(make_tracks(first_ns=-50))
    assert document["otherData"]["shift_ns"] == 50
    lines = told(document)
    assert lines[1] == "X 1.1 queue-fill 0.0 4.05"
    assert lines[-1] == "f 6.1 link 6.05 link 3"
    assert "C 4. in flight (requests) 9.05 {'value': 0.0}" in lines


def test_groups_and_tracks_have_their_names() -> None:
    names = {
        (event["pid"], event.get("tid", 0)): event["args"]["name"]
        for event in read(make_tracks())["traceEvents"]
        if event["name"] in {"process_name", "thread_name"}
    }
    assert names[1, 0] == "requests"
    assert names[5, 1] == "MatMul"
    assert names[6, 1] == "stream"


def test_the_shortest_slices_are_left_out_of_a_large_file_and_it_says_so() -> None:
    tracks = make_tracks()
    whole = len(b"".join(encode_chrome(tracks)))
    assert shortest_kept_ns(tracks, 10 * whole) == 0
    assert left_out(tracks, 0) == ""
    least_ns = 1_001
    assert left_out(tracks, least_ns) == (
        "3 of 8 slices are left out, those shorter than 1.00 µs, to keep the file small enough for "
        "a browser. The format perfetto has all."
    )
    document = read(tracks, least_ns)
    assert document["otherData"]["left_out"] == [left_out(tracks, least_ns)]
    lines = told(document)
    assert not [line for line in lines if line.startswith(("X 5", "i 5", "X 6.1 gemm 5.0"))]
    assert "X 6.1 gemm 6.0 1.001" in lines
    assert [line for line in lines if line[0] in "sf"] == [
        "s 1.1 link 0.0 link 1",
        "f 2.1 link 4.0 link 1",
        "s 2.1 link 4.0 link 3",
        "f 6.1 link 6.0 link 3",
    ]


def test_a_large_file_stays_below_its_limit_and_keeps_slices_with_details() -> None:
    n, limit = 20_000, 400_000
    start = np.arange(n, dtype=np.int64) * 1_000
    length = np.arange(n, dtype=np.int64) % 997
    slices = Slices(start, start + length, np.zeros(n, np.int32), ("MatMul",))
    detailed = replace(slices, details={3: Details((("request", 3),))})
    group = TrackGroup("g", "", True, (SliceTrack("t", slices), SliceTrack("u", detailed)))
    tracks = TrackSet("x", 0, (group,))
    least_ns = shortest_kept_ns(tracks, limit)
    data = b"".join(encode_chrome(tracks, least_ns))
    assert limit / 2 < len(data) < limit
    events = [event for event in json.loads(data)["traceEvents"] if event["ph"] in "Xi"]
    short = [event for event in events if event.get("dur", 0) * 1000 < least_ns]
    assert [event["args"] for event in short] == [{"request": 3}]


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    data = b"".join(encode_chrome(make_tracks(name)))
    assert data.isascii()
    found = json.loads(data)["traceEvents"]
    shown = printable(name, 1000)
    plain = read(make_tracks("plain"))["traceEvents"]
    assert json.loads(json.dumps(plain).replace('"plain"', json.dumps(shown))) == found


def test_a_counter_skips_what_json_cannot_hold() -> None:
    tracks = make_tracks()
    (counter,) = tracks.groups[3].tracks
    odd = replace(counter, values=np.array([np.nan, np.inf]))
    groups = (*tracks.groups[:3], replace(tracks.groups[3], tracks=(odd,)))
    assert not [line for line in told(read(replace(tracks, groups=groups))) if line[0] == "C"]
