"""The named scenarios: what is served, what is asked of it, and the cause planted in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diag.demo.arrivals import Arrivals


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One model to build and serve.

    Attributes:
        name: As clients ask for it.
        kind: ``dense``: rows of floats through a chain of matrix products; ``image``: JPEG bytes,
            decoded and resized in the graph first.
        layers: Matrix products in the chain; compute time is proportional to it.
        tokens: Vectors each row becomes before the chain; compute time is proportional to it, so
            that a batch costs what its rows cost.
        batching: A batching_parameters_file's text for in-graph batching, or None for none.
        image_pixels: Height and width of the JPEGs sent, for ``image``.
    """

    name: str
    kind: Literal["dense", "image"]
    layers: int
    tokens: int = 8
    batching: str | None = None
    image_pixels: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of one kind: rows a request in turn, and when they are sent."""

    model: str
    arrivals: Arrivals
    rows: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A server, its load, and what is known to be wrong with it.

    Attributes:
        name: Of ``diag demo --scenario``.
        story: One line for a person.
        models: Served side by side on one pool of threads.
        streams: Asked of them.
        cause: What was planted: the Stage requests spend most time in, or the IdleCause most idle
            time is due to.
        verdicts: What a verdict on it may say; the first is the one intended.
        victim: The model whose requests show the cause.
        session_metadata: Whether traces name the model, which TensorFlow Serving does only with a
            platform_config_file.
        duration_s: Of the capture.
        inter_op_threads: Of TensorFlow's executor pool, shared by all models.
        intra_op_threads: Inside one op.
    """

    name: str
    story: str
    models: tuple[ModelPlan, ...]
    streams: tuple[Stream, ...]
    cause: str
    verdicts: tuple[str, ...]
    victim: str
    session_metadata: bool = False
    duration_s: float = 4.0
    inter_op_threads: int = 2
    intra_op_threads: int = 1


def _batching(
    max_batch_size: int,
    timeout_micros: int,
    threads: int,
    allowed: tuple[int, ...] = (),
    max_execution_batch_size: int | None = None,
) -> str:
    """A batching_parameters_file's text, as TensorFlow Serving reads it."""
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
        story="Moderate traffic, room to spare: nearly all of a request is the model computing.",
        models=(ModelPlan("dense", "dense", layers=120, batching=_batching(8, 0, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=18, seed=11)),),
        cause="compute",
        # How much it idles depends on how fast the machine is.
        verdicts=("healthy", "no-demand"),
        victim="dense",
    ),
    Scenario(
        name="no-demand",
        story="Three requests a second: the model stands idle because nobody asks.",
        models=(ModelPlan("dense", "dense", layers=100, batching=_batching(8, 0, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=3, seed=12)),),
        cause="no-demand",
        verdicts=("no-demand",),
        victim="dense",
        duration_s=6.0,
    ),
    Scenario(
        name="batch-timeout",
        story="Batches of at most 64 rows never fill; every one waits out its 40 ms timeout.",
        models=(ModelPlan("dense", "dense", layers=20, batching=_batching(64, 40_000, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=30, seed=13)),),
        cause="queue-fill",
        verdicts=("queue-fill",),
        victim="dense",
    ),
    Scenario(
        name="one-batch-thread",
        story="num_batch_threads is 1: full batches stand in line behind the one that runs.",
        models=(ModelPlan("dense", "dense", layers=40, batching=_batching(4, 5_000, 1)),),
        streams=(Stream("dense", Arrivals("closed", concurrency=16)),),
        cause="queue-thread",
        verdicts=("queue-thread",),
        victim="dense",
    ),
    Scenario(
        name="slow-preprocess",
        story="Large JPEGs are decoded and resized in the graph, for longer than the model runs.",
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
        story="The only allowed batch size is 16: single rows are padded to 16 and computed.",
        models=(ModelPlan("dense", "dense", layers=16, batching=_batching(16, 0, 1, (16,))),),
        streams=(Stream("dense", Arrivals("closed", concurrency=1)),),
        cause="compute",
        verdicts=("padding",),
        victim="dense",
    ),
    Scenario(
        name="split",
        story="Requests of 16 rows are split into four batches that one batch thread runs in turn.",
        models=(ModelPlan("dense", "dense", layers=20, batching=_batching(16, 0, 1, (4,), 4)),),
        streams=(Stream("dense", Arrivals("closed", concurrency=1), rows=(16,)),),
        cause="queue-thread",
        verdicts=("queue-thread",),
        victim="dense",
    ),
    Scenario(
        name="unbatched-overload",
        story="Sixteen callers, no batching, two executor threads: requests wait for a thread.",
        models=(ModelPlan("dense", "dense", layers=25, tokens=32),),
        streams=(Stream("dense", Arrivals("closed", concurrency=16)),),
        cause="queue-executor",
        verdicts=("queue-executor",),
        victim="dense",
    ),
    Scenario(
        name="two-models",
        story="A heavy model holds both executor threads; a light one beside it waits for them.",
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
        story="Twenty-four requests at once, twice a second: most wait for the batch thread.",
        models=(ModelPlan("dense", "dense", layers=30, batching=_batching(2, 0, 1)),),
        streams=(Stream("dense", Arrivals("burst", rate=48, burst_size=24)),),
        cause="queue-thread",
        verdicts=("queue-thread",),
        victim="dense",
    ),
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
"""By name, in the order of the documentation."""
