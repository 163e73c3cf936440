"""A Perfetto trace (https://perfetto.dev): protobuf, read by ui.perfetto.dev and trace_processor.

Times are those of a clock that begins with the recording, as in trace viewers; a snapshot of clocks
says at which wall-clock time that was. Slices are pairs of begin and end, in order on each track.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager

import numpy as np

from diag.formats.tracks.edges import Edges, edges_of
from diag.formats.tracks.packing import LENGTH_DELIMITED, VARINT, Rows, tag, varint
from diag.formats.wire import perfetto_pb2 as wire
from diag.model.availability import Unavailable
from diag.model.events import Int64s, Ints
from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.model.tracks import CounterTrack, Details, Slices, SliceTrack, TrackGroup, TrackSet

_Packet, _Event = wire.PerfettoPacket, wire.TrackEvent
_SEQUENCE = 1
_CLEARED, _NEEDED = 1, 2  # TracePacket.SequenceFlags
_REALTIME, _BOOTTIME = 1, 6  # builtin_clock.proto
_PACKET = tag(wire.PerfettoTrace.PACKET_FIELD_NUMBER, LENGTH_DELIMITED)
_BEGIN, _END = _Event.TYPE_SLICE_BEGIN, _Event.TYPE_SLICE_END
_INSTANT, _COUNTER = _Event.TYPE_INSTANT, _Event.TYPE_COUNTER
# Packets that are made at once: a matrix and mask of 1 MB each, which fit a core's cache.
CHUNK = 1 << 13
# The frame, a timestamp of 9 bytes, an event of three varints of 5 bytes, and an arrow or a value.
_PACKET_MAX_BYTES = 72


def encode_perfetto(tracks: TrackSet) -> Iterator[bytes]:
    """The file in chunks.

    Where there are times before the recording's begin, all times and the snapshot of clocks are
    moved by the earliest of them.
    """
    shift_ns = tracks.shift_ns
    yield _packets([_clocks(tracks.origin_unix_ns, shift_ns)])
    texts = _Texts()
    uuid = 0
    for rank, group in enumerate(tracks.groups, 1):
        uuid += 1
        heading = uuid
        yield _packets([_group(group, heading, rank)])
        for place, track in enumerate(group.tracks, 1):
            uuid += 1
            yield _packets([_track(track, uuid, heading, place)])
            if isinstance(track, CounterTrack):
                yield from _counter(track, uuid, shift_ns)
            else:
                yield from texts.introduce(track.slices)
                yield from _slices(track.slices, uuid, shift_ns, texts)


class _Texts:
    """Names and labels by the number under which the file introduced them."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._labels: dict[str, int] = {}

    def introduce(self, slices: Slices) -> Iterator[bytes]:
        """A packet with the texts that the file has not named yet."""
        packet = _packet(sequence_flags=_NEEDED)
        data = packet.interned_data
        used = [slices.names[i] for i in np.unique(slices.name_id).tolist()]
        _introduce(used, self._names, data.event_names)
        _introduce(slices.labels, self._labels, data.event_categories)
        if packet.HasField("interned_data"):
            yield _packets([packet])

    def names(self, slices: Slices, rows: Ints) -> Int64s:
        """(n,) number of the name of each row."""
        return _numbers(slices.name_id[rows], slices.names, self._names)

    def labels(self, slices: Slices, rows: Ints) -> Int64s | None:
        """(n,) number of the label of each row; None for slices without labels."""
        if slices.label_id is None:
            return None
        return _numbers(slices.label_id[rows], slices.labels, self._labels)


def _introduce(
    texts: Sequence[str], known: dict[str, int], interned: MutableSequence[wire.InternedData.Text]
) -> None:
    for text in texts:
        if text not in known:
            known[text] = len(known) + 1
            interned.append(wire.InternedData.Text(iid=known[text], name=_shown(text)))


def _numbers(used: Ints, texts: tuple[str, ...], known: dict[str, int]) -> Int64s:
    """(n,) the known number of each of ``texts[used]``."""
    table = np.zeros(max(1, len(texts)), np.int64)
    for index in np.unique(used).tolist():
        table[index] = known[texts[index]]
    return table[used]


def _slices(slices: Slices, uuid: int, shift_ns: int, texts: _Texts) -> Iterator[bytes]:
    edges = edges_of(slices.start_ns, slices.end_ns)
    detailed = np.zeros(len(slices), np.bool_)
    detailed[list(slices.details)] = True
    for low in range(0, len(edges), CHUNK):
        part = edges.part(slice(low, low + CHUNK))
        packets, lengths = _edge_packets(slices, part, uuid, shift_ns, texts)
        special = np.flatnonzero(~part.is_end & detailed[part.row])
        if not len(special):
            yield packets
            continue
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        done = 0
        for at in special.tolist():
            row = int(part.row[at])
            yield packets[done : bounds[at]]
            yield _packets([_detailed(slices, row, slices.details[row], uuid, shift_ns, texts)])
            done = int(bounds[at + 1])
        yield packets[done:]


def _edge_packets(
    slices: Slices, edges: Edges, uuid: int, shift_ns: int, texts: _Texts
) -> tuple[bytes, Int64s]:
    """The packets of some edges, and the length of each."""
    row, is_begin = edges.row, ~edges.is_end
    is_mark = is_begin & (slices.end_ns[row] == slices.start_ns[row])
    packet = Rows(len(row), _PACKET_MAX_BYTES)
    time_ns = np.where(edges.is_end, slices.end_ns[row], slices.start_ns[row])
    with _event(packet, time_ns + shift_ns):
        label = texts.labels(slices, row)
        if label is not None:
            packet.varint(_Event.CATEGORY_IIDS_FIELD_NUMBER, label, is_begin)
        kind = np.select([is_mark, is_begin], [_INSTANT, _BEGIN], _END)
        packet.varint(_Event.TYPE_FIELD_NUMBER, kind)
        packet.varint(_Event.NAME_IID_FIELD_NUMBER, texts.names(slices, row), is_begin)
        packet.varint(_Event.TRACK_UUID_FIELD_NUMBER, np.full(len(row), uuid))
        if slices.arrow is not None:
            arrow = slices.arrow[row]
            packet.fixed64(_Event.FLOW_IDS_FIELD_NUMBER, arrow, is_begin & (arrow > 0))
    return packet.packed(), packet.lengths


def _counter(track: CounterTrack, uuid: int, shift_ns: int) -> Iterator[bytes]:
    for low in range(0, len(track.time_ns), CHUNK):
        time_ns, values = track.time_ns[low : low + CHUNK], track.values[low : low + CHUNK]
        packet = Rows(len(values), _PACKET_MAX_BYTES)
        with _event(packet, time_ns + shift_ns):
            packet.varint(_Event.TYPE_FIELD_NUMBER, np.full(len(values), _COUNTER))
            packet.varint(_Event.TRACK_UUID_FIELD_NUMBER, np.full(len(values), uuid))
            value = values.astype(np.float64)
            packet.fixed64(_Event.DOUBLE_COUNTER_VALUE_FIELD_NUMBER, value)
        yield packet.packed()


@contextmanager
def _event(packet: Rows, time_ns: Int64s) -> Iterator[None]:
    """Packets of the sequence, each with the event that is appended until the end."""
    with packet.message(wire.PerfettoTrace.PACKET_FIELD_NUMBER):
        packet.varint(_Packet.TIMESTAMP_FIELD_NUMBER, time_ns)
        sequence = tag(_Packet.TRUSTED_PACKET_SEQUENCE_ID_FIELD_NUMBER, VARINT)
        flags = tag(_Packet.SEQUENCE_FLAGS_FIELD_NUMBER, VARINT)
        packet.constant(sequence + varint(_SEQUENCE) + flags + varint(_NEEDED))
        with packet.message(_Packet.TRACK_EVENT_FIELD_NUMBER):
            yield


def _detailed(
    slices: Slices, row: int, details: Details, uuid: int, shift_ns: int, texts: _Texts
) -> wire.PerfettoPacket:
    """The begin of a slice with facts and any number of arrows."""
    start_ns, end_ns = int(slices.start_ns[row]), int(slices.end_ns[row])
    packet = _packet(timestamp=start_ns + shift_ns, sequence_flags=_NEEDED)
    event = packet.track_event
    event.type = _BEGIN if end_ns > start_ns else _INSTANT
    event.track_uuid = uuid
    here = np.array([row])
    event.name_iid = int(texts.names(slices, here)[0])
    label = texts.labels(slices, here)
    event.category_iids.extend([] if label is None else label.tolist())
    for numbers in details.arrows:
        event.flow_ids.extend(numbers)
    for name, value in details.facts:
        fact = event.debug_annotations.add(name=name)
        if isinstance(value, str):
            fact.string_value = _shown(value)
        elif isinstance(value, int):
            fact.int_value = value
        else:
            fact.double_value = value
    return packet


def _clocks(origin_unix_ns: int | Unavailable, shift_ns: int) -> wire.PerfettoPacket:
    packet = _packet(sequence_flags=_CLEARED)
    packet.clock_snapshot.clocks.add(clock_id=_BOOTTIME, timestamp=shift_ns)
    if isinstance(origin_unix_ns, int) and origin_unix_ns > 0:
        packet.clock_snapshot.clocks.add(clock_id=_REALTIME, timestamp=origin_unix_ns)
    return packet


def _group(group: TrackGroup, uuid: int, rank: int) -> wire.PerfettoPacket:
    packet = _packet()
    track = packet.track_descriptor
    track.uuid, track.name, track.sibling_order_rank = uuid, _shown(group.name), rank
    track.description = group.meaning
    track.child_ordering = wire.TrackDescriptor.CHILD_ORDERING_EXPLICIT
    return packet


def _track(
    track: SliceTrack | CounterTrack, uuid: int, parent: int, rank: int
) -> wire.PerfettoPacket:
    packet = _packet()
    found = packet.track_descriptor
    found.uuid, found.parent_uuid, found.sibling_order_rank = uuid, parent, rank
    found.name = _shown(track.name)
    if isinstance(track, CounterTrack):
        found.counter.unit_name = track.unit
    elif track.lane_of:
        found.sibling_merge_behavior = (
            wire.TrackDescriptor.SIBLING_MERGE_BEHAVIOR_BY_SIBLING_MERGE_KEY
        )
        found.sibling_merge_key_int = track.lane_of
    else:
        found.sibling_merge_behavior = wire.TrackDescriptor.SIBLING_MERGE_BEHAVIOR_NONE
    return packet


def _packet(timestamp: int | None = None, sequence_flags: int = 0) -> wire.PerfettoPacket:
    return wire.PerfettoPacket(
        timestamp=timestamp,
        trusted_packet_sequence_id=_SEQUENCE,
        sequence_flags=sequence_flags,
    )


def _packets(packets: list[wire.PerfettoPacket]) -> bytes:
    return b"".join(
        _PACKET + varint(len(data)) + data
        for data in (packet.SerializeToString() for packet in packets)
    )


def _shown(text: str) -> str:
    """Valid UTF-8 without characters that hide or turn others; long text keeps head and tail."""
    return printable(text, TEXT_MAX_CHARS)
