"""Requests, batches and the stages a request's time is cut into, as columns."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.model.availability import Unavailable
from diag.model.events import Bools, Int32s, Int64s


class StageGroup(enum.Enum):
    """Groups of stages in summaries; each stage belongs to one."""

    PREPROCESSING = "preprocessing"
    QUEUEING = "queueing"
    BATCHING = "batching"
    COMPUTE = "compute"
    OTHER = "other"


class Stage(enum.Enum):
    """Where a request's time went, in the order of columns; docs/attribution.md has the edges."""

    PREPROCESS = "preprocess"
    QUEUE_FILL = "queue-fill"
    QUEUE_THREAD = "queue-thread"
    QUEUE_DISPATCH = "queue-dispatch"
    QUEUE_EXECUTOR = "queue-executor"
    SCHEDULE = "schedule"
    BATCH_FORMATION = "batch-formation"
    BATCH_SPLIT = "batch-split"
    TRANSFER_IN = "transfer-in"
    LAUNCH = "launch"
    COMPUTE = "compute"
    DEVICE_WAIT = "device-wait"
    TRANSFER_OUT = "transfer-out"
    POSTPROCESS = "postprocess"
    UNATTRIBUTED = "unattributed"

    @property
    def index(self) -> int:
        """Column of this stage in ``RequestTable.stage_ns``."""
        return _STAGE_INDEX[self]

    @property
    def group(self) -> StageGroup:
        """The group in summaries."""
        return _STAGE_GROUP[self]

    @property
    def column(self) -> str:
        """Name of the export column, e.g. ``stage_queue_fill_ns``."""
        return f"stage_{self.value.replace('-', '_')}_ns"


STAGES: tuple[Stage, ...] = tuple(Stage)
_STAGE_INDEX = {stage: i for i, stage in enumerate(STAGES)}
_STAGE_GROUP = {
    Stage.PREPROCESS: StageGroup.PREPROCESSING,
    Stage.QUEUE_FILL: StageGroup.QUEUEING,
    Stage.QUEUE_THREAD: StageGroup.QUEUEING,
    Stage.QUEUE_DISPATCH: StageGroup.QUEUEING,
    Stage.QUEUE_EXECUTOR: StageGroup.QUEUEING,
    Stage.SCHEDULE: StageGroup.BATCHING,
    Stage.BATCH_FORMATION: StageGroup.BATCHING,
    Stage.BATCH_SPLIT: StageGroup.BATCHING,
    Stage.TRANSFER_IN: StageGroup.COMPUTE,
    Stage.LAUNCH: StageGroup.COMPUTE,
    Stage.COMPUTE: StageGroup.COMPUTE,
    Stage.DEVICE_WAIT: StageGroup.COMPUTE,
    Stage.TRANSFER_OUT: StageGroup.COMPUTE,
    Stage.POSTPROCESS: StageGroup.OTHER,
    Stage.UNATTRIBUTED: StageGroup.OTHER,
}


class Mode(enum.Enum):
    """How a request reached its model."""

    UNBATCHED = "unbatched"
    BATCHING_SESSION = "batching-session"
    BATCH_FUNCTION = "batch-function"


MODES: tuple[Mode, ...] = tuple(Mode)


class CloseReason(enum.Enum):
    """Why a batch stopped taking rows."""

    SIZE = "size"
    TIMEOUT = "timeout"
    THREAD = "thread"
    UNKNOWN = "unknown"


CLOSE_REASONS: tuple[CloseReason, ...] = tuple(CloseReason)


@dataclass(frozen=True, slots=True, eq=False)
class RequestTable:
    """One row for each request whose root event was recorded whole; ordered by start.

    For every row ``stage_ns.sum(axis=1) == end_ns - start_ns`` exactly.

    Attributes:
        start_ns: (n,) int64, ns since the capture's origin.
        end_ns: (n,) int64, half-open end.
        rows: (n,) int64, examples in the request; -1 where the trace does not show it.
        model_index: (n,) int32, into ``models``.
        mode_index: (n,) int32, into ``MODES``.
        complete: (n,) bool; False where the root was recorded whole but the window cut a batch or
            call of it, or a batch of it failed: the known stages are kept, the rest is
            unattributed, and statistics leave the request out.
        linked_by_index: (n,) int32, into ``links``.
        batch_offsets: (n + 1,) int64; the batches of row i are
            ``batch_index[batch_offsets[i]:batch_offsets[i + 1]]``, in enqueue order.
        batch_index: int32, rows of the BatchTable.
        stage_ns: (n, len(STAGES)) int64.
        stage_known: (n, len(STAGES)) bool; False where the stage applies but no event bounds it.
            Its time is then in ``unattributed`` or in the stage that docs/attribution.md names.
        models: Model labels.
        links: By what evidence a request was linked to its batch or step.
    """

    start_ns: Int64s
    end_ns: Int64s
    rows: Int64s
    model_index: Int32s
    mode_index: Int32s
    complete: Bools
    linked_by_index: Int32s
    batch_offsets: Int64s
    batch_index: Int32s
    stage_ns: NDArray[np.int64]
    stage_known: NDArray[np.bool_]
    models: tuple[str, ...]
    links: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.start_ns)

    def __repr__(self) -> str:
        return f"RequestTable({len(self)} rows)"

    @property
    def duration_ns(self) -> Int64s:
        """(n,) int64."""
        return self.end_ns - self.start_ns

    @property
    def batch_owner(self) -> Int64s:
        """The row of the request that each entry of ``batch_index`` belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.batch_offsets))

    def complete_of(self, model: str) -> Bools:
        """(n,) the complete requests of a model, which must be one of ``models``."""
        mine = self.model_index == self.models.index(model)
        return np.asarray(self.complete & mine, np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class BatchTable:
    """One row for each batch whose ``ProcessBatch`` was recorded whole; ordered by start.

    Attributes:
        id: (n,) uint64, the scheduler's context id; 0 for the first batch of every queue.
        queue_index: (n,) int32, into ``queues``.
        model_index: (n,) int32, into ``RequestTable.models``.
        start_ns: (n,) int64, a batch thread took the batch from its queue.
        end_ns: (n,) int64, the batch callback returned.
        run_start_ns: (n,) int64, begin of the batch's ``Session::Run`` or function; -1 unknown.
        run_end_ns: (n,) int64, end of it; -1 unknown.
        rows: (n,) int64, before padding; -1 unknown.
        padded_rows: (n,) int64, as executed; -1 unknown.
        tasks: (n,) int64, (sub)tasks whose enqueue was recorded.
        first_enqueue_ns: (n,) int64; -1 if no enqueue was recorded.
        preprocess_ns: (n,) int64, preprocessing inside its run; -1 unknown.
        ready_ns: (n,) int64, when a thread could take it: full, overflown or timed out; -1
            unknown.
        close_reason_index: (n,) int32, into ``CLOSE_REASONS``.
        is_failed: (n,) bool, a ``BatchingSession`` gave the batch up before its run.
        queues: The parameters of each queue.
    """

    id: NDArray[np.uint64]
    queue_index: Int32s
    model_index: Int32s
    start_ns: Int64s
    end_ns: Int64s
    run_start_ns: Int64s
    run_end_ns: Int64s
    rows: Int64s
    padded_rows: Int64s
    tasks: Int64s
    first_enqueue_ns: Int64s
    preprocess_ns: Int64s
    ready_ns: Int64s
    close_reason_index: Int32s
    is_failed: Bools
    queues: tuple[Queue, ...]

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def executed_rows(self) -> Int64s:
        """(n,) rows as executed: padded where that was recorded, else as the clients sent them."""
        return np.where(self.padded_rows >= 0, self.padded_rows, self.rows)

    def of_queue(self, queue: Queue) -> Bools:
        """(n,) the batches of a queue, which must be one of ``queues``."""
        return np.asarray(self.queue_index == self.queues.index(queue), np.bool_)

    def __repr__(self) -> str:
        return f"BatchTable({len(self)} rows)"


class Origin(enum.Enum):
    """Where a batching parameter's value comes from, best first.

    ``DEFAULT``: a file was given that does not set the field, so the server uses its default.
    """

    METRICS = "metrics"
    FILE = "file"
    DEFAULT = "default"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A batching parameter and how it is known."""

    value: int
    origin: Origin


class Conflict(enum.Enum):
    """How a batching parameter that was given contradicts what was recorded."""

    STARTED_EARLIER = "started-earlier"  # than the timeout, without being full
    WAITED_LONGER = "waited-longer"  # than the timeout, with a batch thread free
    FULL_EARLIER = "full-earlier"  # batches were full with fewer rows
    LARGER_BATCH = "larger-batch"  # a batch had more rows
    MORE_THREADS = "more-threads"  # more threads processed batches
    FEWER_THREADS = "fewer-threads"  # ready batches waited although threads should be free
    PADDED_OTHERWISE = "padded-otherwise"  # executed with another number of rows
    LONGER_QUEUE = "longer-queue"  # more batches were enqueued
    SHORTER_QUEUE = "shorter-queue"  # tasks were refused with fewer batches enqueued
    SPLIT = "split"  # tasks were split
    SERVER_DIFFERS = "server-differs"  # the server's own metrics have another value
    NOT_POSSIBLE = "not-possible"  # no server runs with this value


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A value that was given for a queue, and what was recorded instead.

    Attributes:
        parameter: The field, as in a batching_parameters_file.
        given: Its value as that file writes it.
        origin: Where the value came from.
        conflict: How the trace contradicts it.
        observed: The contradicting number in the unit of the field: us, rows, threads, batches.
        rows: For ``PADDED_OTHERWISE``, the rows of such a batch; else 0.
    """

    parameter: str
    given: str
    origin: Origin
    conflict: Conflict
    observed: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Queue:
    """One batch scheduler queue: a (model version, signature), or one BatchFunction op.

    Attributes:
        key: The high half of its batch ids, in hex (shared_batch_scheduler.h, TensorFlow 2.21).
        model_index: Into ``RequestTable.models``.
        max_batch_size: Rows at which a batch is full (max_execution_batch_size when splitting).
        batch_timeout_ns: From the first enqueue.
        num_batch_threads: Of the thread pool this queue shares.
        contradictions: What was given for this queue and contradicts the trace. None of the values
            of that source is used for it.
        is_function: Whether it is of a BatchFunction op.
    """

    key: str
    model_index: int
    max_batch_size: Parameter | Unavailable
    batch_timeout_ns: Parameter | Unavailable
    num_batch_threads: Parameter | Unavailable
    contradictions: tuple[Contradiction, ...] = ()
    is_function: bool = False
