"""Tracks of a timeline as trace viewers draw them: slices, counters, arrows between slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diag.model.availability import Unavailable
from diag.model.events import Int64s, Ints

Value = int | float | str


@dataclass(frozen=True, slots=True)
class Details:
    """What a viewer shows of a selected slice, and the arrows from it to others.

    Attributes:
        facts: Name and value.
        arrows: Numbers of arrows, each above 0. A number stands at both ends of its arrow.
    """

    facts: tuple[tuple[str, Value], ...] = ()
    arrows: tuple[range, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """Intervals of one track, ordered by (start, longest first), that nest or do not touch.

    Attributes:
        start_ns: (n,) ns since the capture's origin.
        end_ns: (n,) half-open; equals the start for marks.
        name_id: (n,) into ``names``.
        names: Texts of the slices; the same tuple may be shared by many tracks.
        label_id: (n,) into ``labels``; None for slices without a label.
        labels: Short texts that classify slices, such as a confidence.
        arrow: (n,) number of the arrow of each slice, 0 for none; None without arrows.
        details: Of some rows.
    """

    start_ns: Int64s
    end_ns: Int64s
    name_id: Ints
    names: tuple[str, ...]
    label_id: Ints | None = None
    labels: tuple[str, ...] = ()
    arrow: Int64s | None = None
    details: Mapping[int, Details] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.start_ns)


@dataclass(frozen=True, slots=True, eq=False)
class SliceTrack:
    """A thread, a stream, or a lane of requests.

    Attributes:
        name: As it is shown.
        slices: What is on it.
        lane_of: Tracks of one group with the same number are lanes of one track, which viewers
            draw as one; 0 for a track without further lanes.
    """

    name: str
    slices: Slices
    lane_of: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class CounterTrack:
    """A number over time.

    Attributes:
        name: As it is shown.
        unit: Of the values, such as ``%`` or ``requests``.
        time_ns: (n,) ascending, ns since the capture's origin.
        values: (n,) from each time to the next.
    """

    name: str
    unit: str
    time_ns: Int64s
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TrackGroup:
    """Tracks under one heading.

    Attributes:
        name: As it is shown.
        meaning: One sentence.
        is_recorded: Whether the tracks are the trace's own, and not computed by diag.
        tracks: In the order in which they are shown.
    """

    name: str
    meaning: str
    is_recorded: bool
    tracks: tuple[SliceTrack | CounterTrack, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TrackSet:
    """All tracks of one capture.

    Attributes:
        title: What was recorded.
        origin_unix_ns: Wall clock of time 0.
        groups: In the order in which they are shown.
        left_out: What is not in the tracks, one sentence each.
    """

    title: str
    origin_unix_ns: int | Unavailable
    groups: tuple[TrackGroup, ...]
    left_out: tuple[str, ...] = ()

    @property
    def shift_ns(self) -> int:
        """What to add to every time so that none is negative, which no format can write."""
        times = [slices.start_ns for slices in self.slices]
        times += [
            track.time_ns
            for group in self.groups
            for track in group.tracks
            if isinstance(track, CounterTrack)
        ]
        return -min([0, *(int(each.min()) for each in times if len(each))])

    @property
    def slices(self) -> tuple[Slices, ...]:
        """The slices of every track."""
        return tuple(
            track.slices
            for group in self.groups
            for track in group.tracks
            if isinstance(track, SliceTrack)
        )
