"""The timeout of a queue whose callers send again as soon as they are answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import analyze
from diag.findings import find
from diag.model.availability import Unavailable
from diag.model.serving import Origin, Parameter
from diag.simulation.options import POLL_PERIOD_NS
from diag.testing.gpu_server import SCENARIOS, simulate


@pytest.mark.parametrize("seed", range(4))
def test_it_is_estimated_although_the_thread_still_ends_the_batch_before(seed: int) -> None:
    """The next batch is opened while the only batch thread seen still answers the last callers."""
    plan = SCENARIOS["batch-capped-by-concurrency"].plan
    capture = replace(
        simulate(plan, seed).capture(), batching_parameters=Unavailable("not given here")
    )
    analysis = analyze(capture)
    timeout = analysis.queues[0].queue.batch_timeout_ns
    planted = plan.models[0].batching.batch_timeout_ns
    assert isinstance(timeout, Parameter)
    assert timeout.origin is Origin.ESTIMATED
    assert planted <= timeout.value <= planted + POLL_PERIOD_NS
    assert find(analysis)[0].id == "batch-timeout-dominates"
