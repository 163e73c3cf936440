"""A simulated TensorFlow Serving server with GPUs: its trace and the truth about it.

Each scenario plants a cause of idle GPUs or slow requests. The simulation records the events that
the profiler would record::

    run = simulate(SCENARIOS["queue-fill"].plan, seed=1)
    analysis = analyze(run.capture())
    run.idle(device=0)  # why the GPU idled, from the server's state

docs/attribution.md says which event is recorded on which thread, with sources.
"""

from diag.testing.gpu_server.models import Scenario
from diag.testing.gpu_server.plan import Plan
from diag.testing.gpu_server.scenarios import MIXED, SCENARIOS, SINGLE_CAUSE
from diag.testing.gpu_server.simulated import Simulated, simulate
from diag.testing.gpu_server.within_runs import WITHIN_RUNS

__all__ = [
    "MIXED",
    "SCENARIOS",
    "SINGLE_CAUSE",
    "WITHIN_RUNS",
    "Plan",
    "Scenario",
    "Simulated",
    "simulate",
]
