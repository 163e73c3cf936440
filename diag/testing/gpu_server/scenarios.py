"""Scenarios: plans with one planted cause of an idle GPU, and plans that mix causes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from diag.model.gaps import IdleCause
from diag.model.serving import Mode
from diag.testing.gpu_server.loads import LOADS
from diag.testing.gpu_server.models import (
    ALONE,
    CONVOLUTIONS,
    DECODE,
    INPUT,
    LARGE_OUTPUT,
    NET,
    OUTPUT,
    RESIZE,
    SESSION,
    Scenario,
)
from diag.testing.gpu_server.plan import (
    MS,
    US,
    Block,
    Load,
    Model,
    ModelLoad,
    Op,
    Plan,
    copy_in,
    kernel,
    memset,
    queue,
)
from diag.testing.gpu_server.within_runs import WITHIN_RUNS


def _one(name: str, planted: IdleCause, finding: str, model: Model, **changes: object) -> Scenario:
    plan = replace(Plan((model,)), **changes)  # type: ignore[arg-type]
    return Scenario(name, planted, plan, finding)


def _blocked(block: Block, *, first_steps: int = 0) -> Model:
    held = Op("block_0/prepare:Conv2D", 5 * US, block=block, first_steps=first_steps)
    return replace(
        ALONE, ops=(INPUT, held, *CONVOLUTIONS, OUTPUT), load=Load(clients=1, think_ns=20 * US)
    )


SINGLE_CAUSE: Final = (
    _one(
        "no-demand",
        IdleCause.NO_DEMAND,
        "no-demand",
        replace(ALONE, load=Load(period_ns=20 * MS)),
    ),
    _one(
        "queue-fill",
        IdleCause.QUEUE_FILL,
        "batch-timeout-dominates",
        replace(SESSION, batching=queue(64, 12 * MS), load=Load(rate_per_s=400)),
    ),
    _one(
        "queue-dispatch",
        IdleCause.QUEUE_DISPATCH,
        "batch-dispatch-slow",
        replace(
            SESSION,
            # With 0 each enqueue signals a thread, and no time passes until the next poll.
            batching=queue(8, 1 * US),
            ops=(INPUT, CONVOLUTIONS[0], OUTPUT),
            load=Load(clients=1, think_ns=5 * US),
        ),
    ),
    _one(
        "batch-threads-in-host-work",
        IdleCause.BATCH_THREADS_IN_HOST_WORK,
        "batch-size-too-small",
        replace(SESSION, merge_ns=8 * MS, load=Load(rate_per_s=900)),
        batch_threads=1,
    ),
    _one(
        "preprocess",
        IdleCause.PREPROCESS,
        "preprocessing-in-graph",
        replace(SESSION, ops=(DECODE, RESIZE, *NET), load=Load(clients=12, think_ns=50 * US)),
    ),
    _one(
        "preprocess-unbatched",
        IdleCause.PREPROCESS,
        "preprocessing-in-graph",
        replace(ALONE, ops=(DECODE, RESIZE, *NET), load=Load(clients=1, think_ns=20 * US)),
    ),
    Scenario(
        "queue-executor",
        IdleCause.QUEUE_EXECUTOR,
        Plan(
            (
                replace(ALONE, load=Load(clients=2, think_ns=50 * US)),
                # Another model, on the CPU only, occupies the pool's threads.
                Model(
                    (Op("ranker/dense:MatMul", 6 * MS),),
                    Mode.UNBATCHED,
                    device=-1,
                    load=Load(clients=12, think_ns=10 * US),
                ),
            ),
            pool_threads=2,
            duration_ns=400 * MS,
        ),
        "batching-disabled",
    ),
    _one(
        "transfer",
        IdleCause.TRANSFER,
        "transfer-bound",
        replace(
            ALONE,
            ops=(
                Op(
                    "images/copy:_Send",
                    3 * US,
                    (copy_in(50_000_000, 300 * US, host_ns=5 * MS, is_staged=True),),
                ),
                *CONVOLUTIONS,
                OUTPUT,
            ),
            load=Load(clients=1, think_ns=20 * US),
        ),
    ),
    _one(
        "launch",
        IdleCause.LAUNCH,
        "launch-bound",
        replace(
            ALONE,
            ops=(
                INPUT,
                *(
                    Op(f"cell_{i}/add:AddV2", 12 * US, (kernel("tiny", 2 * US),))
                    for i in range(300)
                ),
                OUTPUT,
            ),
            load=Load(clients=1, think_ns=20 * US),
        ),
        duration_ns=100 * MS,
    ),
    _one(
        "cpu-fallback",
        IdleCause.LAUNCH,
        "cpu-fallback",
        replace(
            ALONE,
            ops=(
                INPUT,
                *CONVOLUTIONS[:4],
                Op("lookup/table:UniqueV2", 4 * MS),
                *CONVOLUTIONS[4:],
                OUTPUT,
            ),
            load=Load(clients=1, think_ns=20 * US),
        ),
    ),
    _one(
        "sync-or-output",
        IdleCause.SYNC_OR_OUTPUT,
        "sync-bound",
        replace(
            SESSION,
            batching=queue(1, 0),
            finish_ns=1 * MS,
            split_ns=6 * MS,
            load=Load(clients=1, think_ns=5 * US),
        ),
    ),
    _one(
        "egress-heavy",
        IdleCause.SYNC_OR_OUTPUT,
        "egress-heavy",
        replace(
            SESSION,
            ops=(INPUT, *CONVOLUTIONS, LARGE_OUTPUT),
            batching=queue(1, 0),
            finish_ns=1 * MS,
            split_ns=6 * MS,
            load=Load(clients=1, think_ns=5 * US),
        ),
    ),
    _one(
        "cold-start",
        IdleCause.COLD_START,
        "cold-start",
        _blocked(
            Block("cluster_0_1/xla_compile:_XlaCompile", 150 * MS, IdleCause.COLD_START),
            first_steps=1,
        ),
    ),
    _one(
        "cold-start-by-size",
        IdleCause.COLD_START,
        "cold-start",
        replace(
            _blocked(
                Block("cluster_0_1/xla_compile:_XlaCompile", 60 * MS, IdleCause.COLD_START),
                first_steps=1,
            ),
            mode=Mode.BATCHING_SESSION,
            batching=queue(8, 2 * MS),
            load=Load(clients=12, think_ns=200 * US),
        ),
        duration_ns=600 * MS,
    ),
    Scenario(
        "model-load",
        IdleCause.MODEL_LOAD,
        Plan(
            (replace(ALONE, load=Load(clients=2, think_ns=20 * US)),),
            loads=(ModelLoad(30 * MS, 80 * MS), ModelLoad(140 * MS, 40 * MS)),
        ),
        "model-load-interference",
    ),
    _one(
        "allocator",
        IdleCause.ALLOCATOR,
        "memory-allocation",
        _blocked(Block("cuMemAlloc_v2", 6 * MS, IdleCause.ALLOCATOR)),
    ),
    _one(
        "throttled",
        IdleCause.THROTTLED,
        "cpu-throttled",
        replace(
            ALONE,
            ops=(replace(DECODE, host_ns=500 * US), *NET),
            load=Load(clients=1, think_ns=20 * US),
        ),
        freezes=(90 * MS, 60 * MS, 80 * MS, 70 * MS),
        duration_ns=150 * MS,
    ),
    _one(
        "profiler",
        IdleCause.PROFILER,
        "observer-effect",
        _blocked(Block("BUFFER_FLUSH", 6 * MS, IdleCause.PROFILER, line="CUPTI overhead")),
    ),
    _one(
        "ingress",
        IdleCause.INGRESS,
        "ingress-heavy",
        replace(ALONE, ingress_ns=9 * MS, load=Load(clients=1, think_ns=20 * US)),
        jitter=0.05,  # the analysis knows only the mean of this time
    ),
)
_BUSY_PAIR: Final = (
    replace(SESSION, load=Load(rate_per_s=600, pauses=((60 * MS, 90 * MS),))),
    replace(
        ALONE,
        ops=(DECODE, *NET),
        load=Load(rate_per_s=40, pauses=((60 * MS, 90 * MS),)),
        merge_ns=0,
    ),
)
MIXED: Final = (
    Scenario("mixed", None, Plan(_BUSY_PAIR)),
    Scenario("mixed, two streams", None, Plan(_BUSY_PAIR, streams=2, derived_lines=True)),
    Scenario(
        "mixed, two GPUs",
        None,
        Plan((_BUSY_PAIR[0], replace(_BUSY_PAIR[1], device=1)), devices=2),
    ),
    Scenario(
        "mixed, batched in the graph",
        None,
        Plan(
            (
                replace(
                    SESSION,
                    mode=Mode.BATCH_FUNCTION,
                    before=(replace(DECODE, host_ns=1 * MS),),
                    ops=(Op("zero:Fill", 2 * US, (memset(3 * US),)), *NET),
                    load=Load(rate_per_s=500, pauses=((60 * MS, 90 * MS),)),
                ),
            )
        ),
    ),
    Scenario("mixed, cut by the window", None, Plan(_BUSY_PAIR, window=(20 * MS, 180 * MS))),
)
SCENARIOS: Final = {each.name: each for each in (*SINGLE_CAUSE, *WITHIN_RUNS, *LOADS, *MIXED)}
