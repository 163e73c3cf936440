"""Small sets of tracks."""

from __future__ import annotations

import numpy as np

from diag.model.tracks import CounterTrack, Details, Slices, SliceTrack, TrackGroup, TrackSet

ORIGIN_UNIX_NS = 1_795_000_000_000_000_000


def make_slices(*rows: tuple[str, int, int], **more: object) -> Slices:
    """Slices from name, start and end."""
    names = tuple(dict.fromkeys(name for name, _, _ in rows))
    return Slices(
        start_ns=np.array([start for _, start, _ in rows], np.int64),
        end_ns=np.array([end for _, _, end in rows], np.int64),
        name_id=np.array([names.index(name) for name, _, _ in rows], np.int32),
        names=names,
        **more,  # type: ignore[arg-type]
    )


def make_tracks(text: str = "MatMul", first_ns: int = 0) -> TrackSet:
    """A request, its batch with two kernels, a thread and a counter."""
    request = make_slices(
        ("request 0", first_ns, 9_000),
        ("queue-fill", first_ns, 4_000),
        details={0: Details((("model", text), ("rows", 2), ("fill", 0.5)), (range(1, 2),))},
    )
    batch = make_slices(
        ("batch 0", 4_000, 8_000), details={0: Details((), (range(1, 2), range(2, 4)))}
    )
    thread = make_slices((text, 100, 300), ("mark", 200, 200))
    kernels = make_slices(
        ("gemm", 5_000, 6_000), ("gemm", 6_000, 7_001), arrow=np.array([2, 3], np.int64)
    )
    idle = make_slices(
        ("launch", 0, 5_000), label_id=np.zeros(1, np.int8), labels=("confidence high",)
    )
    load = CounterTrack("in flight", "requests", np.array([0, 9_000]), np.array([1.0, 0.0]))
    groups = (
        TrackGroup("requests", "Requests.", False, (SliceTrack("m", request, lane_of=1),)),
        TrackGroup("batches", "Batches.", False, (SliceTrack("m", batch, lane_of=1),)),
        TrackGroup("idle", "Idle time.", False, (SliceTrack("/device:GPU:0", idle),)),
        TrackGroup("load", "Counters.", False, (load,)),
        TrackGroup("/host:CPU", "Threads.", True, (SliceTrack(text, thread),)),
        TrackGroup("/device:GPU:0", "Streams.", True, (SliceTrack("stream", kernels),)),
    )
    return TrackSet(text, ORIGIN_UNIX_NS, groups)
