"""Scenarios of how a server is loaded and set up; no cause of idle time is planted in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from diag.testing.gpu_server.models import ALONE, NET, SESSION, Scenario
from diag.testing.gpu_server.plan import MS, US, Load, Model, Op, Plan, queue


def _loaded(name: str, finding: str, model: Model, *, duration_ns: int = 400 * MS) -> Scenario:
    return Scenario(name, None, Plan((model,), duration_ns=duration_ns), finding)


def _host_part(name: str) -> Model:
    """A batched model with 3 ms on a thread of the pool before its work on the GPU."""
    ops = (Op(f"{name}/dense:MatMul", 3 * MS), *NET)
    return replace(SESSION, ops=ops, batching=queue(8, 0), load=Load(rate_per_s=200))


# One of two whose requests cannot share a batch: a run takes as long with one row as with eight.
_SIGNATURE: Final = replace(
    SESSION, version="ranker:1", batching=queue(8, 0), load=Load(rate_per_s=500)
)
LOADS: Final = (
    _loaded("healthy", "healthy", replace(ALONE, load=Load(period_ns=3 * MS))),
    _loaded(
        "healthy, batched",
        "healthy",
        replace(SESSION, batching=queue(8, 0), load=Load(period_ns=3 * MS)),
    ),
    _loaded(
        "device-saturated",
        "device-saturated",
        replace(ALONE, load=Load(clients=3, think_ns=5 * US)),
    ),
    _loaded(
        "unbatched-overload",
        "batching-disabled",
        replace(ALONE, load=Load(clients=16, think_ns=5 * US)),
    ),
    _loaded(
        "batch-capped-by-concurrency",
        "batch-capped-by-concurrency",
        replace(SESSION, batching=queue(64, 12 * MS), load=Load(clients=4, think_ns=5 * US)),
        duration_ns=600 * MS,
    ),
    _loaded(
        "batch-size-too-small",
        "batch-size-too-small",
        replace(SESSION, batching=queue(2, 1 * MS), load=Load(rate_per_s=900)),
        duration_ns=600 * MS,
    ),
    Scenario(
        "signature-fragmentation",
        None,
        Plan((_SIGNATURE, _SIGNATURE), batch_threads=4, duration_ns=600 * MS),
        "signature-fragmentation",
    ),
    Scenario(
        "executor-pool-saturated",
        None,
        Plan(
            (_host_part("ranker"), _host_part("scorer")),
            batch_threads=4,
            pool_threads=1,
            duration_ns=600 * MS,
        ),
        "executor-pool-saturated",
    ),
)
