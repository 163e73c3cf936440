"""Perfetto traces, read with Perfetto's own definitions of messages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as theirs

from diag.formats.tracks.perfetto import CHUNK, encode_perfetto
from diag.model.availability import Unavailable
from diag.model.printable import printable
from diag.model.tracks import Slices, SliceTrack, TrackGroup, TrackSet
from tests.unit.formats.tracks.made import ORIGIN_UNIX_NS, make_tracks
from tests.unit.report.rendering import HOSTILE_NAMES


def read(tracks: TrackSet) -> theirs.Trace:
    return theirs.Trace.FromString(b"".join(encode_perfetto(tracks)))


def told(trace: theirs.Trace) -> list[str]:
    """Each event as a line, with the name of its track."""
    tracks: dict[int, str] = {}
    names: dict[int, str] = {}
    labels: dict[int, str] = {}
    lines = []
    for packet in trace.packet:
        data, event = packet.interned_data, packet.track_event
        names.update({each.iid: each.name for each in data.event_names})
        labels.update({each.iid: each.name for each in data.event_categories})
        if packet.HasField("track_descriptor"):
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor.name
        if packet.HasField("track_event"):
            kind = theirs.TrackEvent.Type.Name(event.type).removeprefix("TYPE_").lower()
            parts = [tracks[event.track_uuid], kind, str(packet.timestamp)]
            parts += [names[event.name_iid]] if event.name_iid else []
            parts += [labels[each] for each in event.category_iids]
            parts += [str(event.double_counter_value)] if kind == "counter" else []
            parts += [f"arrow={each}" for each in event.flow_ids]
            for fact in event.debug_annotations:
                parts.append(f"{fact.name}={getattr(fact, fact.WhichOneof('value'))}")
            lines.append(" ".join(parts))
    return lines


def test_every_slice_counter_arrow_and_fact_to_the_letter() -> None:
    assert told(read(make_tracks())) == [
        "m slice_begin 0 request 0 arrow=1 model=MatMul rows=2 fill=0.5",
        "m slice_begin 0 queue-fill",
        "m slice_end 4000",
        "m slice_end 9000",
        "m slice_begin 4000 batch 0 arrow=1 arrow=2 arrow=3",
        "m slice_end 8000",
        "/device:GPU:0 slice_begin 0 launch confidence high",
        "/device:GPU:0 slice_end 5000",
        "in flight counter 0 1.0",
        "in flight counter 9000 0.0",
        "MatMul slice_begin 100 MatMul",
        "MatMul instant 200 mark",
        "MatMul slice_end 300",
        "stream slice_begin 5000 gemm arrow=2",
        "stream slice_end 6000",
        "stream slice_begin 6000 gemm arrow=3",
        "stream slice_end 7001",
    ]


def test_tracks_stand_below_their_group_in_order_and_lanes_are_one_track() -> None:
    found = [
        p.track_descriptor for p in read(make_tracks()).packet if p.HasField("track_descriptor")
    ]
    groups = [each for each in found if not each.parent_uuid]
    assert [(each.name, each.sibling_order_rank) for each in groups] == [
        ("requests", 1),
        ("batches", 2),
        ("idle", 3),
        ("load", 4),
        ("/host:CPU", 5),
        ("/device:GPU:0", 6),
    ]
    assert {each.child_ordering for each in groups} == {theirs.TrackDescriptor.EXPLICIT}
    inner = {each.uuid: each for each in found if each.parent_uuid}
    assert {each.parent_uuid for each in inner.values()} == {each.uuid for each in groups}
    by_name = {each.name: each for each in inner.values()}
    assert by_name["in flight"].counter.unit_name == "requests"
    lane = theirs.TrackDescriptor.SIBLING_MERGE_BEHAVIOR_BY_SIBLING_MERGE_KEY
    assert (by_name["m"].sibling_merge_behavior, by_name["m"].sibling_merge_key_int) == (lane, 1)
    alone = theirs.TrackDescriptor.SIBLING_MERGE_BEHAVIOR_NONE
    assert by_name["stream"].sibling_merge_behavior == alone


def test_the_clock_begins_with_the_recording_and_knows_the_time_of_day() -> None:
    def clocks(tracks: TrackSet) -> dict[int, int]:
        snapshot = read(tracks).packet[0].clock_snapshot
        return {each.clock_id: each.timestamp for each in snapshot.clocks}

    assert clocks(make_tracks()) == {6: 0, 1: ORIGIN_UNIX_NS}
    assert clocks(replace(make_tracks(), origin_unix_ns=Unavailable("no start"))) == {6: 0}


def test_times_before_the_recording_move_all_times_and_the_clock() -> None:
    trace = read(make_tracks(first_ns=-50))
    assert told(trace)[0].startswith("m slice_begin 0 request 0")
    assert told(trace)[-1] == "stream slice_end 7051"
    assert {c.clock_id: c.timestamp for c in trace.packet[0].clock_snapshot.clocks}[6] == 50


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    plain, hostile = told(read(make_tracks("plain"))), told(read(make_tracks(name)))
    assert hostile == [line.replace("plain", printable(name, 1000)) for line in plain]


def test_a_long_track_is_written_in_chunks_without_a_seam() -> None:
    n = CHUNK + 5
    start = np.arange(n, dtype=np.int64) * 10
    slices = Slices(start, start + 10, np.zeros(n, np.int32), ("a",))
    group = TrackGroup("g", "", True, (SliceTrack("t", slices),))
    lines = told(read(TrackSet("x", 0, (group,))))
    expected = [
        line
        for time in start.tolist()
        for line in (f"t slice_begin {time} a", f"t slice_end {time + 10}")
    ]
    assert lines == expected
