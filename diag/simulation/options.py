"""The parameters of a batch queue and the values that the server uses by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from diag.model.forever import FOREVER_NS

if TYPE_CHECKING:
    from diag.model.capture import BatchingParameters

# shared_batch_scheduler.h, TensorFlow 2.21: QueueOptions.
DEFAULT_MAX_BATCH_SIZE: Final = 1000
DEFAULT_BATCH_TIMEOUT_MICROS: Final = 0
DEFAULT_MAX_ENQUEUED_BATCHES: Final = 10
# SharedBatchScheduler::ThreadLogic, kTimeoutMillis: an idle batch thread looks at the queues at
# least this often. An expired timeout is noticed in no other way.
POLL_PERIOD_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """The parameters of one batch queue.

    Attributes:
        max_batch_size: Largest request in rows. Without splitting also the rows at which a batch is
            full.
        batch_timeout_ns: A batch may run this long after its first task, even if it is not full;
            at most FOREVER_NS.
        max_enqueued_batches: Batches in the queue, the open one included. A task that needs one
            more is refused.
        allowed_batch_sizes: Sizes that batches are padded to, in the order of the file: the first
            that holds the batch is taken. Empty: no padding.
        enable_large_batch_splitting: Whether a task may be cut and its parts put into several
            batches.
        max_execution_batch_size: With splitting, the rows at which a batch is full; 0:
            ``max_batch_size``. Without splitting it has no effect.
    """

    max_batch_size: int = DEFAULT_MAX_BATCH_SIZE
    batch_timeout_ns: int = DEFAULT_BATCH_TIMEOUT_MICROS * 1000
    max_enqueued_batches: int = DEFAULT_MAX_ENQUEUED_BATCHES
    allowed_batch_sizes: tuple[int, ...] = ()
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0

    @staticmethod
    def from_parameters(parameters: BatchingParameters) -> QueueOptions:
        """Options from a batching_parameters_file; the server's default where it has no value."""
        return QueueOptions(
            max_batch_size=_or(parameters.max_batch_size, DEFAULT_MAX_BATCH_SIZE),
            batch_timeout_ns=timeout_ns(
                _or(parameters.batch_timeout_micros, DEFAULT_BATCH_TIMEOUT_MICROS)
            ),
            max_enqueued_batches=_or(parameters.max_enqueued_batches, DEFAULT_MAX_ENQUEUED_BATCHES),
            allowed_batch_sizes=parameters.allowed_batch_sizes,
            enable_large_batch_splitting=bool(parameters.enable_large_batch_splitting),
            max_execution_batch_size=_or(parameters.max_execution_batch_size, 0),
        )

    @property
    def full_rows(self) -> int:
        """Rows at which a batch is full (GetMaxExecutionBatchSize)."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size:
            return self.max_execution_batch_size
        return self.max_batch_size

    @property
    def enqueued_batches_limit(self) -> int:
        """``max_enqueued_batches`` as the server applies it: AddQueue raises 0 to 1."""
        if self.enable_large_batch_splitting:
            return self.max_enqueued_batches
        return max(1, self.max_enqueued_batches)


def timeout_ns(micros: int) -> int:
    """batch_timeout_micros in ns, at most FOREVER_NS."""
    return min(1000 * micros, FOREVER_NS)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Queues and the thread pools that serve them.

    Attributes:
        queues: Options of each queue; None where every request runs at once, in a run of its own.
        pools: Index of each queue's pool; without meaning where there is no queue.
        threads: num_batch_threads of each pool.
        wake_ns: Time from a signal to the woken thread's look at its queues.
        turn_ns: Time from the end of a batch to the same thread's next look.
        handlers: Requests that can be open at once; further ones wait, in order. 0: no limit.
    """

    queues: tuple[QueueOptions | None, ...]
    pools: tuple[int, ...]
    threads: tuple[int, ...]
    wake_ns: int = 0
    turn_ns: int = 0
    handlers: int = 0
