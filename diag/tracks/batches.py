"""Batches by queue and, inside each, its run of the model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diag.analysis.result import Analysis
from diag.model.events import Int64s
from diag.model.serving import CLOSE_REASONS
from diag.model.tracks import Details, Slices, SliceTrack, TrackGroup, Value
from diag.tracks.lanes import disjoint_lanes

_RUN = "run"


def batch_group(analysis: Analysis, arrows: Mapping[int, tuple[range, ...]]) -> TrackGroup:
    """Every recorded batch, from when a batch thread took it until its callback ended.

    Args:
        analysis: Where the batches are.
        arrows: Numbers of arrows by row of the batch table.
    """
    batches = analysis.batches
    tracks: list[SliceTrack] = []
    for index in range(len(batches.queues)):
        mine = np.flatnonzero(batches.queue_index == index)
        lane = disjoint_lanes(batches.start_ns[mine], batches.end_ns[mine])
        for each in range(int(lane.max(initial=-1)) + 1):
            slices = _lane(analysis, mine[lane == each], arrows)
            tracks.append(SliceTrack(queue_label(analysis, index), slices, lane_of=index + 1))
    return TrackGroup(
        "batches",
        "Batches by queue, from when a batch thread takes one until its callback ends.",
        is_recorded=False,
        tracks=tuple(tracks),
    )


def queue_label(analysis: Analysis, index: int) -> str:
    """The queue's model, with its key where two share it; the key alone where none is known."""
    queues = analysis.batches.queues
    model = queues[index].model_index
    if model < 0:
        return f"queue {queues[index].key}"
    name = analysis.requests.models[model]
    is_shared = sum(queue.model_index == model for queue in queues) > 1
    return f"{name} (queue {queues[index].key})" if is_shared else name


def _lane(analysis: Analysis, rows: Int64s, arrows: Mapping[int, tuple[range, ...]]) -> Slices:
    batches = analysis.batches
    run = rows[(batches.run_start_ns[rows] >= 0) & (batches.run_end_ns[rows] >= 0)]
    run_start_ns = np.maximum(batches.run_start_ns[run], batches.start_ns[run])
    run_end_ns = np.clip(batches.run_end_ns[run], run_start_ns, batches.end_ns[run])
    start_ns = np.concatenate([batches.start_ns[rows], run_start_ns])
    end_ns = np.concatenate([batches.end_ns[rows], run_end_ns])
    name_id = np.concatenate([1 + np.arange(len(rows)), np.zeros(len(run), np.int64)])
    order = np.lexsort((np.arange(len(start_ns)), -end_ns, start_ns))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    details = {
        int(place[i]): Details(_facts(analysis, row), arrows.get(row, ()))
        for i, row in enumerate(rows.tolist())
    }
    names = (_RUN, *(f"batch {row}" for row in rows.tolist()))
    return Slices(start_ns[order], end_ns[order], name_id[order], names, details=details)


def _facts(analysis: Analysis, row: int) -> tuple[tuple[str, Value], ...]:
    """As in the table of batches; what is not known is left out."""
    batches = analysis.batches
    facts: list[tuple[str, Value]] = [
        ("batch", row),
        ("id", str(batches.id[row])),  # beyond int64
        ("close_reason", CLOSE_REASONS[batches.close_reason_index[row]].value),
    ]
    counts = {
        "rows": batches.rows,
        "padded_rows": batches.padded_rows,
        "tasks": batches.tasks,
    }
    facts += [(name, int(values[row])) for name, values in counts.items() if values[row] >= 0]
    if batches.first_enqueue_ns[row] >= 0:
        facts.append(("open_ns", int(batches.start_ns[row] - batches.first_enqueue_ns[row])))
    return tuple(facts)
