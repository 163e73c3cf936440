"""The scenarios: models, load and a planted cause."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from diag.demo.arrivals import Arrivals


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A model to build and serve.

    Attributes:
        name: Its name in requests.
        kind: ``dense``: rows of floats pass through a chain of matrix products. ``image``: JPEGs
            are decoded and resized in the graph first.
        layers: Matrix products in the chain; compute time is proportional to it.
        tokens: Vectors that each row is expanded to before the chain. Compute time is proportional
            to it, and so to the rows of a batch.
        batching: In-graph batching, as the text of a batching_parameters_file; None: no batching.
        image_pixels: Height and width of the JPEGs in requests, for ``image``.
    """

    name: str
    kind: Literal["dense", "image"]
    layers: int
    tokens: int = 8
    batching: str | None = None
    image_pixels: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of requests to one model; ``rows`` are the rows of each request, in turn."""

    model: str
    arrivals: Arrivals
    rows: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A server, its load, and its planted problem.

    Attributes:
        name: Name for ``diag demo --scenario``.
        story: One sentence about the problem.
        models: Models of the server; they share one pool of executor threads.
        streams: The load.
        cause: The planted cause: the Stage in which requests spend most time, or the IdleCause of
            most idle time.
        verdicts: Causes that a correct verdict may name; the first is the intended one.
        victim: The model whose requests show the cause.
        session_metadata: Whether traces name the model, which TensorFlow Serving does only with a
            platform_config_file.
        duration_ns: Length of the capture.
        inter_op_threads: Threads of TensorFlow's executor pool, shared by all models.
        intra_op_threads: Threads inside one op.
    """

    name: str
    story: str
    models: tuple[ModelPlan, ...]
    streams: tuple[Stream, ...]
    cause: str
    verdicts: tuple[str, ...]
    victim: str
    session_metadata: bool = False
    duration_ns: int = 4_000_000_000
    inter_op_threads: int = 2
    intra_op_threads: int = 1


def _batching(
    max_batch_size: int,
    timeout_micros: int,
    threads: int,
    allowed: tuple[int, ...] = (),
    max_execution_batch_size: int | None = None,
) -> str:
    """The text of a batching_parameters_file."""
    lines = [
        f"max_batch_size {{ value: {max_batch_size} }}",
        f"batch_timeout_micros {{ value: {timeout_micros} }}",
        "max_enqueued_batches { value: 100 }",
        f"num_batch_threads {{ value: {threads} }}",
        *(f"allowed_batch_sizes: {size}" for size in allowed),
    ]
    if max_execution_batch_size is not None:
        lines += [
            "enable_large_batch_splitting { value: true }",
            f"max_execution_batch_size {{ value: {max_execution_batch_size} }}",
        ]
    return "\n".join(lines) + "\n"


_ALL = (
    Scenario(
        name="healthy",
        story="Moderate traffic and spare capacity: requests spend nearly all time in the model.",
        models=(ModelPlan("dense", "dense", layers=120, batching=_batching(8, 0, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=18, seed=11)),),
        cause="compute",
        # Its idle time depends on the speed of the machine.
        verdicts=("healthy", "no-demand"),
        victim="dense",
    ),
    Scenario(
        name="no-demand",
        story="Three requests a second: the server is idle for lack of requests.",
        models=(ModelPlan("dense", "dense", layers=100, batching=_batching(8, 0, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=3, seed=12)),),
        cause="no-demand",
        verdicts=("no-demand",),
        victim="dense",
        duration_ns=6_000_000_000,
    ),
    Scenario(
        name="batch-timeout",
        story="Batches of up to 64 rows never fill; each waits for its timeout of 40 ms.",
        models=(ModelPlan("dense", "dense", layers=20, batching=_batching(64, 40_000, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=30, seed=13)),),
        cause="queue-fill",
        verdicts=("queue-fill",),
        victim="dense",
    ),
    Scenario(
        name="one-batch-thread",
        story="num_batch_threads is 1: full batches wait for the one batch thread.",
        models=(ModelPlan("dense", "dense", layers=40, batching=_batching(4, 5_000, 1)),),
        streams=(Stream("dense", Arrivals("closed", concurrency=16)),),
        cause="queue-thread",
        verdicts=("queue-thread",),
        victim="dense",
    ),
    Scenario(
        name="slow-preprocess",
        story="Large JPEGs are decoded and resized in the graph: it takes longer than the model.",
        models=(
            ModelPlan(
                "image", "image", layers=14, batching=_batching(8, 0, 2), image_pixels=(2000, 1500)
            ),
        ),
        streams=(Stream("image", Arrivals("closed", concurrency=1)),),
        cause="preprocess",
        verdicts=("preprocess",),
        victim="image",
    ),
    Scenario(
        name="padding",
        story="The only allowed batch size is 16: single rows are padded to 16 rows.",
        models=(ModelPlan("dense", "dense", layers=16, batching=_batching(16, 0, 1, (16,))),),
        streams=(Stream("dense", Arrivals("closed", concurrency=1)),),
        cause="compute",
        verdicts=("padding",),
        victim="dense",
    ),
    Scenario(
        name="split",
        story="Requests of 16 rows are split into four batches for one batch thread.",
        models=(ModelPlan("dense", "dense", layers=20, batching=_batching(16, 0, 1, (4,), 4)),),
        streams=(Stream("dense", Arrivals("closed", concurrency=1), rows=(16,)),),
        cause="queue-thread",
        verdicts=("queue-thread",),
        victim="dense",
    ),
    Scenario(
        name="unbatched-overload",
        story="16 callers, no batching, two inter-op threads: requests wait for a thread.",
        models=(ModelPlan("dense", "dense", layers=25, tokens=32),),
        streams=(Stream("dense", Arrivals("closed", concurrency=16)),),
        cause="queue-executor",
        verdicts=("queue-executor",),
        victim="dense",
    ),
    Scenario(
        name="two-models",
        story="A heavy model occupies both inter-op threads; a light model waits for them.",
        models=(
            ModelPlan("heavy", "dense", layers=40, tokens=32),
            ModelPlan("light", "dense", layers=5),
        ),
        streams=(
            Stream("heavy", Arrivals("closed", concurrency=6)),
            Stream("light", Arrivals("open", rate=10, seed=19)),
        ),
        cause="queue-executor",
        verdicts=("queue-executor",),
        victim="light",
        session_metadata=True,
    ),
    Scenario(
        name="burst",
        story="24 requests at once, twice a second: most wait for the one batch thread.",
        models=(ModelPlan("dense", "dense", layers=30, batching=_batching(2, 0, 1)),),
        streams=(Stream("dense", Arrivals("burst", rate=48, burst_size=24)),),
        cause="queue-thread",
        verdicts=("queue-thread",),
        victim="dense",
    ),
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
"""Scenarios by name, in the order of the documentation."""


def without_preprocessing(scenario: Scenario) -> Scenario:
    """The same scenario with clients that decode images themselves and send features."""
    plans = tuple(
        replace(plan, kind="dense", image_pixels=(0, 0)) if plan.kind == "image" else plan
        for plan in scenario.models
    )
    return replace(scenario, models=plans)
