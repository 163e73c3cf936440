"""A request's path as few lines: the short pieces of a run told with the long ones next to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.thresholds import LINE_MIN_RATIO
from diag.model.paths import RequestPath
from diag.model.serving import STAGES, Stage

_QUEUED = (Stage.QUEUE_THREAD.index, Stage.QUEUE_DISPATCH.index)


@dataclass(frozen=True, slots=True)
class PathLine:
    """Pieces of a path that follow each other.

    Attributes:
        stage: The one with most time among them.
        start_ns: ns since the capture's origin.
        end_ns: Half-open.
        line: Line of the host plane of the longest piece that has one, -1 if none has.
        batch: Row of the batch table, -1 for none.
        step: Number of their run, -1 outside runs.
        stage_ns: Time in that stage; the rest of the line is short pieces of others.
        pieces: How many there are.
    """

    stage: Stage
    start_ns: int
    end_ns: int
    line: int
    batch: int
    step: int
    stage_ns: int
    pieces: int


def lines_of(path: RequestPath) -> tuple[PathLine, ...]:
    """The lines of a path, in time order; they cover what it covers.

    A line begins with each change of batch, run or stage. In a run, and while a batch waits for a
    thread, it begins with each long piece of another stage than the long piece before: of a run's
    hundreds of pieces most are a thread's short waits between ops.
    """
    if not len(path):
        return ()
    length_ns = path.end_ns - path.start_ns
    # What may be told together: pieces of one run, or of one wait for a thread; else of one stage.
    stretch = np.where(np.isin(path.stage_index, _QUEUED), len(STAGES), path.stage_index)
    stretch = np.where(path.step >= 0, len(STAGES) + 1 + path.step, stretch)
    begins = np.ones(len(path), np.bool_)
    begins[1:] = (stretch[1:] != stretch[:-1]) | (path.batch[1:] != path.batch[:-1])
    long = np.flatnonzero(length_ns >= LINE_MIN_RATIO * length_ns.sum())
    of_run = np.cumsum(begins)
    changes = path.stage_index[long[1:]] != path.stage_index[long[:-1]]
    changes &= of_run[long[1:]] == of_run[long[:-1]]
    begins[long[1:][changes]] = True
    first = np.flatnonzero(begins).tolist()
    return tuple(_line(path, a, b) for a, b in zip(first, [*first[1:], len(path)], strict=True))


def _line(path: RequestPath, first: int, last: int) -> PathLine:
    """The pieces ``first`` to ``last``, half-open, as one line."""
    length_ns = path.end_ns[first:last] - path.start_ns[first:last]
    by_stage = np.zeros(len(STAGES), np.int64)
    np.add.at(by_stage, path.stage_index[first:last], length_ns)
    main = int(by_stage.argmax())
    shown = np.where(path.line[first:last] >= 0, length_ns, -1)
    longest = first + int(shown.argmax())
    return PathLine(
        stage=STAGES[main],
        start_ns=int(path.start_ns[first]),
        end_ns=int(path.end_ns[last - 1]),
        line=int(path.line[longest]),
        batch=int(path.batch[first]),
        step=int(path.step[first]),
        stage_ns=int(by_stage[main]),
        pieces=last - first,
    )
