"""The recorded load, and the server's settings as they are in force."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable
from diag.model.serving import CLOSE_REASONS, CloseReason, Parameter, Stage
from diag.prediction import thresholds
from diag.prediction.changes import HANDLERS, with_changes
from diag.prediction.clients import find_clients
from diag.simulation.load import Arrivals
from diag.simulation.options import QueueOptions, ServerSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Container

    from diag.analysis.result import Analysis
    from diag.model.events import Int64s
    from diag.model.serving import BatchTable, Queue
    from diag.prediction.changes import Changes
    from diag.simulation.load import Clients, Load

_WAITS = [Stage.QUEUE_FILL.index, Stage.QUEUE_THREAD.index, Stage.QUEUE_DISPATCH.index]


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """What came to the batch queues, and how the server was set.

    Attributes:
        arrivals: Every request with its recorded times, refused ones included; begin of the window
            is 0.
        clients: The closed loop that explains them; None for an open loop.
        settings: Queues and threads in force.
        changeable: What changes apply to: the settings in force; where nothing is batched, those
            that the server would take by default.
        window_ns: Length of the recording.
        assumed: What the recording does not tell and the simulation assumes, as sentences.
    """

    arrivals: Arrivals
    clients: Clients | None
    settings: ServerSettings
    changeable: ServerSettings
    window_ns: int
    assumed: tuple[str, ...]

    @property
    def is_batched(self) -> bool:
        """Whether the server batches requests today."""
        return self.settings == self.changeable

    def changed(self, changes: Changes, queues: Container[int] | None = None) -> ServerSettings:
        """The settings with changes; without any, those in force.

        Args:
            changes: Values by parameter; of a server that does not batch those of a batching file
                turn batching on.
            queues: Those that change; None for all.

        Raises:
            UsageError: The server would not start with them.
        """
        now = self.changeable if changes.keys() - {HANDLERS} else self.settings
        return with_changes(now, changes, queues)

    def joined(self, queues: Collection[int], into: int) -> Workload:
        """The same load with the requests of several queues in one of them.

        Args:
            queues: Index of each.
            into: The one that all of their requests come to.
        """

        def moved(requests: Arrivals) -> Arrivals:
            queue = np.where(np.isin(requests.queue, list(queues)), into, requests.queue)
            return replace(requests, queue=queue)

        clients = self.clients
        if clients is not None:
            clients = replace(clients, kinds=moved(clients.kinds))
        return replace(self, arrivals=moved(self.arrivals), clients=clients)

    @property
    def load(self) -> Load:
        """As it was recorded."""
        return self.arrivals if self.clients is None else self.clients


def read_workload(analysis: Analysis) -> Workload | Unavailable:
    """The load on the batch queues; Unavailable where the recording does not show it."""
    batches, requests = analysis.batches, analysis.requests
    has_batch = np.diff(requests.batch_offsets) > 0
    mine = np.flatnonzero(requests.complete & has_batch & (requests.rows > 0))
    if len(mine) < thresholds.REQUESTS_MIN:
        return Unavailable(
            f"{len(mine)} complete batched requests with known rows were recorded, "
            f"{thresholds.REQUESTS_MIN} are needed"
        )
    several = _in_several_queues(analysis, mine)
    if several > thresholds.SEVERAL_QUEUES_MAX_RATIO:
        return Unavailable(
            f"{several:.0%} of requests are in batches of several queues, and one queue a request "
            "is simulated"
        )
    settings = _settings(analysis)
    if isinstance(settings, Unavailable):
        return settings
    last = _last_batch(analysis, mine)
    enqueue_ns = batches.start_ns[last] - requests.stage_ns[mine][:, _WAITS].sum(axis=1)
    enqueue_ns = np.maximum(enqueue_ns, requests.start_ns[mine])
    origin_ns = analysis.capture.window.start_ns
    arrivals = Arrivals(
        start_ns=requests.start_ns[mine] - origin_ns,
        before_ns=enqueue_ns - requests.start_ns[mine],
        after_ns=requests.end_ns[mine] - batches.end_ns[last],
        rows=requests.rows[mine],
        queue=batches.queue_index[last].astype(np.int64),
    )
    clients = find_clients(arrivals, requests.end_ns[mine] - origin_ns)
    return Workload(
        arrivals=_with_refused(arrivals, analysis),
        clients=None if analysis.failures.refused else clients,
        settings=settings[0],
        changeable=settings[0],
        window_ns=analysis.capture.window.duration_ns,
        assumed=settings[1],
    )


def _in_several_queues(analysis: Analysis, rows: Int64s) -> float:
    """Part of the requests with batches of more than one queue, 0 to 1."""
    requests = analysis.requests
    first, after = requests.batch_offsets[rows], requests.batch_offsets[rows + 1]
    queue = analysis.batches.queue_index[requests.batch_index]
    at = np.stack((first, after), axis=1).ravel()
    queue = np.append(queue, queue[-1])  # an end of the last request is an index, too
    least = np.minimum.reduceat(queue, at)[::2]
    return float((np.maximum.reduceat(queue, at)[::2] > least).mean())


def _last_batch(analysis: Analysis, rows: Int64s) -> Int64s:
    """The batch that each request waited for: of several, the one that ended last."""
    requests, end_ns = analysis.requests, analysis.batches.end_ns
    first, after = requests.batch_offsets[rows], requests.batch_offsets[rows + 1]
    chosen = requests.batch_index[first].astype(np.int64)
    for position in np.flatnonzero(after - first > 1):
        parts = requests.batch_index[first[position] : after[position]]
        chosen[position] = parts[np.argmax(end_ns[parts])]
    return chosen


def _with_refused(arrivals: Arrivals, analysis: Analysis) -> Arrivals:
    """Requests that were refused came as well; their queue is not recorded."""
    failures = analysis.failures
    known = failures.refused_rows > 0
    if not known.any():
        return arrivals
    number, queue = int(known.sum()), int(np.bincount(arrivals.queue).argmax())
    origin_ns = analysis.capture.window.start_ns
    start_ns = failures.refused_start_ns[known] - origin_ns
    before, after = (int(np.median(x)) for x in (arrivals.before_ns, arrivals.after_ns))
    order = np.argsort(np.concatenate((arrivals.start_ns, start_ns)), kind="stable")
    return Arrivals(
        np.concatenate((arrivals.start_ns, start_ns))[order],
        np.concatenate((arrivals.before_ns, np.full(number, before)))[order],
        np.concatenate((arrivals.after_ns, np.full(number, after)))[order],
        np.concatenate((arrivals.rows, failures.refused_rows[known]))[order],
        np.concatenate((arrivals.queue, np.full(number, queue)))[order],
    )


def _settings(analysis: Analysis) -> tuple[ServerSettings, tuple[str, ...]] | Unavailable:
    """Queues and pools in force, and what was assumed of them."""
    batches, assumed = analysis.batches, dict[str, None]()
    options, pools, threads = [], [], list[int]()
    session_pool = -1
    for index, queue in enumerate(batches.queues):
        wanted = (queue.batch_timeout_ns, queue.num_batch_threads)
        missing = next((each for each in wanted if isinstance(each, Unavailable)), None)
        if missing is not None:
            return Unavailable(f"the parameters of a queue are not known: {missing.reason}")
        options.append(_options(analysis, index, queue, assumed))
        number = _value(queue.num_batch_threads)
        if queue.is_function or session_pool < 0:
            threads.append(max(1, number))
            pools.append(len(threads) - 1)
            session_pool = session_pool if queue.is_function else len(threads) - 1
        else:
            pools.append(session_pool)
    wake_ns, turn_ns = _reaction_ns(batches)
    settings = ServerSettings(tuple(options), tuple(pools), tuple(threads), wake_ns, turn_ns)
    return settings, tuple(assumed)


def _options(
    analysis: Analysis, index: int, queue: Queue, assumed: dict[str, None]
) -> QueueOptions:
    told = analysis.capture.batching_parameters
    timeout_ns = _value(queue.batch_timeout_ns)
    mine = analysis.batches.queue_index == index
    padded, rows = analysis.batches.padded_rows[mine], analysis.batches.rows[mine]
    sizes = np.unique(padded[padded > 0]).tolist() if (padded > rows).any() else []
    if isinstance(queue.max_batch_size, Parameter):
        full = queue.max_batch_size.value
    elif sizes:
        full = sizes[-1]
    else:
        full = thresholds.NO_LIMIT
        assumed[
            "max_batch_size is not known, since no batch was full: simulated batches hold whatever "
            "has come."
        ] = None
    if not isinstance(told, Unavailable) and not queue.contradictions and not queue.is_function:
        given = QueueOptions.from_parameters(told)
        splits = given.enable_large_batch_splitting
        return QueueOptions(
            max_batch_size=given.max_batch_size if splits else full,
            batch_timeout_ns=timeout_ns,
            max_enqueued_batches=given.max_enqueued_batches,
            allowed_batch_sizes=given.allowed_batch_sizes,
            enable_large_batch_splitting=splits,
            max_execution_batch_size=full if splits else 0,
        )
    splits = analysis.counts.split_requests > 0
    if sizes:
        assumed["allowed_batch_sizes are assumed to be the sizes that were recorded."] = None
        full = max(full, *sizes)
    most = int(analysis.requests.rows.max(initial=full))
    return QueueOptions(
        max_batch_size=max(full, most) if splits else full,
        batch_timeout_ns=timeout_ns,
        max_enqueued_batches=thresholds.NO_LIMIT,
        allowed_batch_sizes=tuple(sizes),
        enable_large_batch_splitting=splits,
        max_execution_batch_size=full if splits else 0,
    )


def _value(parameter: Parameter | Unavailable) -> int:
    assert isinstance(parameter, Parameter)
    return parameter.value


def _reaction_ns(batches: BatchTable) -> tuple[int, int]:
    """How long an idle thread takes to wake, and a busy one to turn to its next batch.

    Medians over the batches that were full at a known time: where none ended between that and the
    dequeue, an idle thread woke; else a busy one turned. Without a timeout every batch is ready
    with its first task.
    """
    full = batches.close_reason_index == CLOSE_REASONS.index(CloseReason.SIZE)
    at_once = [
        isinstance(queue.batch_timeout_ns, Parameter) and queue.batch_timeout_ns.value == 0
        for queue in batches.queues
    ]
    known = (batches.ready_ns >= 0) & (full | np.array(at_once)[batches.queue_index])
    ready, taken = batches.ready_ns[known], batches.start_ns[known]
    ends = np.sort(batches.end_ns)
    last = np.searchsorted(ends, taken, "right") - 1
    end_ns = np.where(last >= 0, ends[np.maximum(last, 0)], -1)
    waited = end_ns > ready
    wake, turn = (taken - ready)[~waited], (taken - end_ns)[waited]
    wake = wake[wake < thresholds.WAKE_MAX_NS]
    return (
        int(np.median(wake)) if len(wake) else thresholds.WAKE_NS,
        int(np.median(turn)) if len(turn) else 0,
    )
