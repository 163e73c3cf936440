"""A simulated TensorFlow Serving server with GPUs: its trace, and the truth about it.

It plants causes of idle GPUs and slow requests, and records what the profiler would have recorded::

    run = simulate(SCENARIOS["queue-fill"].plan, seed=1)
    analysis = analyze(run.capture())
    run.idle(device=0)  # why the GPU idled, by the server's own state

Sources of what is recorded, and on which thread: docs/attribution.md.
"""

from diag.testing.gpu_server.plan import Plan
from diag.testing.gpu_server.scenarios import MIXED, SCENARIOS, SINGLE_CAUSE, Scenario
from diag.testing.gpu_server.simulated import Simulated, simulate

__all__ = [
    "MIXED",
    "SCENARIOS",
    "SINGLE_CAUSE",
    "Plan",
    "Scenario",
    "Simulated",
    "simulate",
]
