"""The recorded load of a server that does not batch: each request has a run of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.cpu import machine_cores
from diag.model.availability import Unavailable
from diag.model.serving import MODES, Mode
from diag.prediction import thresholds
from diag.prediction.batch_times import RecordedBatches, mean_others
from diag.prediction.clients import find_clients
from diag.prediction.metrics import Metrics, metrics_of
from diag.prediction.workload import Workload
from diag.simulation.load import Arrivals
from diag.simulation.options import QueueOptions, ServerSettings

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.events import Int64s

_UNBATCHED = MODES.index(Mode.UNBATCHED)


def unbatched_requests(analysis: Analysis) -> Int64s:
    """The complete requests, as rows of the request table."""
    requests = analysis.requests
    return np.flatnonzero(requests.complete & (requests.mode_index == _UNBATCHED))


def read_unbatched(analysis: Analysis) -> Workload | Unavailable:
    """The load, for a server that begins to batch; Unavailable with too few requests.

    One queue a model. What a file does not name is what the server takes by default.
    """
    requests, mine = analysis.requests, unbatched_requests(analysis)
    if len(mine) < thresholds.REQUESTS_MIN:
        return Unavailable(
            f"no batch was recorded, and {len(mine)} complete unbatched requests; "
            f"{thresholds.REQUESTS_MIN} are needed"
        )
    origin_ns, models = analysis.capture.window.start_ns, len(requests.models)
    nothing = np.zeros(len(mine), np.int64)
    arrivals = Arrivals(
        start_ns=requests.start_ns[mine] - origin_ns,
        before_ns=nothing,
        after_ns=nothing,
        rows=np.maximum(requests.rows[mine], 1),
        queue=requests.model_index[mine].astype(np.int64),
    )
    cores, assumed = machine_cores(analysis), []
    if isinstance(cores, Unavailable):
        cores = thresholds.CORES_UNKNOWN
        assumed.append(
            f"The cores of the machine are not known; num_batch_threads {cores} is assumed where "
            "it is not set."
        )
    if (requests.rows[mine] < 1).any():
        assumed.append("The rows of unbatched requests are not recorded; one row each is assumed.")
    queues = (QueueOptions(),) * models
    pools = (0,) * models
    return Workload(
        arrivals=arrivals,
        clients=find_clients(arrivals, requests.end_ns[mine] - origin_ns),
        settings=ServerSettings((None,) * models, pools, (cores,)),
        changeable=ServerSettings(queues, pools, (cores,), wake_ns=thresholds.WAKE_NS),
        window_ns=analysis.capture.window.duration_ns,
        assumed=tuple(assumed),
    )


def unbatched_runs(analysis: Analysis) -> RecordedBatches:
    """Each request as a batch of its own.

    Where others run all the time, the time of a request tells how long these kept it from a thread,
    and not what it needs: all count as the mean.
    """
    requests, mine = analysis.requests, unbatched_requests(analysis)
    start, end = requests.start_ns[mine], requests.end_ns[mine]
    taken, others = (end - start).astype(np.float64), mean_others(start, end)
    if float(np.quantile(others, thresholds.ALONE_QUANTILE)) > thresholds.ALONE_MAX_OTHERS:
        taken, others = (np.full(len(mine), each.mean()) for each in (taken, others))
    return RecordedBatches(
        queue=requests.model_index[mine].astype(np.int64),
        rows=np.maximum(requests.rows[mine], 1),
        start_ns=start - analysis.capture.window.start_ns,
        taken_ns=taken,
        others=others,
        queues=len(requests.models),
        window_ns=max(1, analysis.capture.window.duration_ns),
    )


def measured_unbatched(analysis: Analysis, work_ns: float) -> Metrics:
    """As recorded, over complete unbatched requests.

    Args:
        analysis: With at least one such request.
        work_ns: Time of all of them, each as if it ran alone.
    """
    requests, mine = analysis.requests, unbatched_requests(analysis)
    rows = np.maximum(requests.rows[mine], 1)
    return metrics_of(
        requests.start_ns[mine],
        requests.end_ns[mine],
        rows,
        0,
        analysis.capture.window.duration_ns,
        work_ns,
        rows,
    )
