"""What other batching parameters would bring: the recorded load on a simulated server.

===============  ==================================================================================
``search``       the best setting for an objective, and the load that a setting bears
``pipeline``     the check against what was measured, then the prediction
``parameters``   settings as the fields of a batching_parameters_file
===============  ==================================================================================

The simulation is ``diag.prediction``.
"""

from diag.tuning.pipeline import tune
from diag.tuning.result import Tuning

__all__ = ["Tuning", "tune"]
