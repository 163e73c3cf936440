"""Trace-event JSON, for chrome://tracing and other programs that do not read Perfetto's own format.

Times are in us with three decimals, which keeps nanoseconds. The format is described in "Trace
Event Format" (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np

from diag.model.availability import Unavailable
from diag.model.events import Bools, Int64s
from diag.model.intervals import NEVER_NS
from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.model.tracks import CounterTrack, Details, Slices, SliceTrack, TrackGroup, TrackSet

# A page reads JSON as one string: at most 512 MiB in Chromium (V8's String::kMaxLength), and
# ui.perfetto.dev needs several times the size of a JSON file as memory.
MAX_BYTES = 256 << 20
# Of a slice or mark without its name: {"ph":"X","pid":..,"tid":..,"ts":..,"dur":..,"name":""},
_SLICE_BYTES = 90
_DETAIL_BYTES = 600
_ARROW_BYTES = 200
_CHUNK = 1 << 16


def shortest_kept_ns(tracks: TrackSet, max_bytes: int = MAX_BYTES) -> int:
    """The length from which on slices fit into a file of this size; 0 if all do.

    Slices with details, which are requests and batches, are in the file in any case.
    """
    lengths: list[Int64s] = [np.empty(0, np.int64)]
    sizes: list[Int64s] = [np.empty(0, np.int64)]
    for slices in tracks.slices:
        size = np.full(len(slices.names), _SLICE_BYTES, np.int64)
        for index in np.unique(slices.name_id).tolist():
            size[index] += len(_text(slices.names[index]))
        length_ns, bytes_ = slices.end_ns - slices.start_ns, size[slices.name_id]
        if slices.arrow is not None:
            bytes_[slices.arrow > 0] += _ARROW_BYTES
        rows = list(slices.details)
        length_ns[rows] = NEVER_NS  # so that they come first
        bytes_[rows] += _DETAIL_BYTES + _ARROW_BYTES
        lengths.append(length_ns)
        sizes.append(bytes_)
    length, size = np.concatenate(lengths), np.concatenate(sizes)
    if int(size.sum()) <= max_bytes:
        return 0
    order = np.argsort(-length)
    fits = int(np.searchsorted(np.cumsum(size[order]), max_bytes, side="right"))
    # Of several of one length either all fit or none is kept.
    return int(length[order[fits]]) + 1


def left_out(tracks: TrackSet, least_ns: int) -> str:
    """A sentence about slices shorter than this; "" if none is."""
    every = tracks.slices
    lost = sum(int((~_kept(slices, least_ns)).sum()) for slices in every)
    if not lost:
        return ""
    total = sum(map(len, every))
    return (
        f"{lost:,} of {total:,} slices are left out, those shorter than {duration(least_ns)}, to "
        "keep the file small enough for a browser. The format perfetto has all."
    )


def encode_chrome(tracks: TrackSet, least_ns: int = 0) -> Iterator[bytes]:
    """The file in chunks.

    Args:
        tracks: What to write.
        least_ns: Leave out shorter slices, but none with details.
    """
    missing = [*tracks.left_out, *filter(None, [left_out(tracks, least_ns)])]
    origin, shift_ns = tracks.origin_unix_ns, tracks.shift_ns
    about = {
        "source": _plain(tracks.title),
        "origin_unix_ns": None if isinstance(origin, Unavailable) else str(origin),
        "shift_ns": shift_ns,
        "left_out": missing,
    }
    yield f'{{"displayTimeUnit":"ns","otherData":{json.dumps(about)},"traceEvents":[\n'.encode()
    arrows = _Arrows()
    for pid, group in enumerate(tracks.groups, 1):
        yield "".join(_headings(group, pid)).encode()
        for tid, track in enumerate(group.tracks, 1):
            events = (
                _counter(track, pid, shift_ns)
                if isinstance(track, CounterTrack)
                else _slices(track.slices, pid, tid, shift_ns, least_ns, arrows)
            )
            yield from (text.encode() for text in events)
    # JSON permits no comma after the last event, so the last one is an event without content.
    yield b'{"ph":"M","pid":0,"name":"process_labels","args":{"labels":""}}\n]}\n'


def _kept(slices: Slices, least_ns: int) -> Bools:
    """(n,) which slices are long enough, or have details."""
    kept = np.asarray(slices.end_ns - slices.start_ns >= least_ns, np.bool_)
    kept[list(slices.details)] = True
    return kept


def _headings(group: TrackGroup, pid: int) -> Iterator[str]:
    head = f'{{"ph":"M","pid":{pid}'
    yield f'{head},"name":"process_name","args":{{"name":{_text(group.name)}}}}},\n'
    yield f'{head},"name":"process_sort_index","args":{{"sort_index":{pid}}}}},\n'
    for tid, track in enumerate(group.tracks, 1):
        if isinstance(track, SliceTrack):
            name = _text(track.name)
            yield f'{head},"tid":{tid},"name":"thread_name","args":{{"name":{name}}}}},\n'
            yield (
                f'{head},"tid":{tid},"name":"thread_sort_index","args":{{"sort_index":{tid}}}}},\n'
            )


def _slices(
    slices: Slices, pid: int, tid: int, shift_ns: int, least_ns: int, arrows: _Arrows
) -> Iterator[str]:
    rows = np.flatnonzero(_kept(slices, least_ns))
    start_ns = slices.start_ns + shift_ns
    texts = {int(i): _text(slices.names[i]) for i in np.unique(slices.name_id[rows])}
    place = f'"pid":{pid},"tid":{tid}'
    for low in range(0, len(rows), _CHUNK):
        some = rows[low : low + _CHUNK]
        columns = zip(
            some.tolist(),
            start_ns[some].tolist(),
            (slices.end_ns - slices.start_ns)[some].tolist(),
            slices.name_id[some].tolist(),
            strict=True,
        )
        yield "".join(
            f'{{"ph":"X",{place},{_at(start)},"dur":{length / 1e3:.3f},'
            f'"name":{texts[name]}{_more(slices, row)}}},\n'
            if length
            else f'{{"ph":"i","s":"t",{place},{_at(start)},'
            f'"name":{texts[name]}{_more(slices, row)}}},\n'
            for row, start, length, name in columns
        )
        if slices.arrow is not None:
            some = some[slices.arrow[some] > 0]
            places = (f"{place},{_at(start)}" for start in start_ns[some].tolist())
            yield "".join(arrows.to(slices.arrow[some], places))
    for row, details in slices.details.items():
        yield from arrows.of_details(details, f"{place},{_at(int(start_ns[row]))}")


def _more(slices: Slices, row: int) -> str:
    """Label and details of a slice, as further keys."""
    more = ""
    if slices.label_id is not None:
        more = f',"cat":{_text(slices.labels[slices.label_id[row]])}'
    if row in slices.details:
        facts = {
            name: _plain(value) if isinstance(value, str) else value
            for name, value in slices.details[row].facts
        }
        more += f',"args":{json.dumps(facts)}'
    return more


class _Arrows:
    """Begins of arrows that were met; their ends are written later, with both ends at once."""

    def __init__(self) -> None:
        self._begins: dict[int, str] = {}

    def of_details(self, details: Details, here: str) -> Iterator[str]:
        """The arrows that end here; the others begin here."""
        for numbers in details.arrows:
            if numbers.start in self._begins:
                yield _arrow(numbers.start, self._begins[numbers.start], here)
            else:
                self._begins[numbers.start] = here

    def to(self, numbers: Int64s, places: Iterable[str]) -> Iterator[str]:
        """Arrows that end at slices, by number."""
        starts = np.array(sorted(self._begins), np.int64)
        begins = starts[np.searchsorted(starts, numbers, side="right") - 1]
        for number, begin, here in zip(numbers.tolist(), begins.tolist(), places, strict=True):
            yield _arrow(number, self._begins[begin], here)


def _arrow(number: int, begin: str, end: str) -> str:
    head = f'"id":{number},"cat":"link","name":"link"'
    return f'{{"ph":"s",{head},{begin}}},\n{{"ph":"f","bp":"e",{head},{end}}},\n'


def _counter(track: CounterTrack, pid: int, shift_ns: int) -> Iterator[str]:
    name = f"{track.name} ({track.unit})" if track.unit else track.name
    head = f'{{"ph":"C","pid":{pid},"name":{_text(name)}'
    yield "".join(
        f'{head},{_at(time)},"args":{{"value":{json.dumps(value)}}}}},\n'
        for time, value in zip(
            (track.time_ns + shift_ns).tolist(), track.values.tolist(), strict=True
        )
        if np.isfinite(value)
    )


def _at(time_ns: int) -> str:
    return f'"ts":{time_ns / 1e3:.3f}'


def _text(text: str) -> str:
    """A JSON string in ASCII."""
    return json.dumps(_plain(text))


def _plain(text: str) -> str:
    return printable(text, TEXT_MAX_CHARS)
