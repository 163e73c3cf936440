"""What other batching parameters would bring: the recorded load on a simulated server.

===============  ==================================================================================
``workload``     from an analysis: arrivals or clients, queues and threads as they are today
``service``      the time of a batch by its size, and how batches that run at once slow each other
``changes``      parameters to try, applied to the settings of today
``metrics``      latency, throughput, batch size and refusals of a run, measured or simulated
``replicates``   runs with the recorded load and with resampled loads; value and interval
``search``       the best setting for an objective, and the load that a setting bears
``pipeline``     the check against what was measured, then the prediction
===============  ==================================================================================
"""

from diag.tuning.pipeline import tune
from diag.tuning.result import Tuning

__all__ = ["Tuning", "tune"]
