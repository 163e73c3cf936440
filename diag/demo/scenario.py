"""What a scenario is: models, load, a planted cause, and the finding that must name it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from diag.demo.arrivals import Arrivals

SCORES = 8
HANDLER_THREADS = 64
DEADLINE_S = 20.0


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
        scores: Numbers in the answer for each row.
        lock_ms: Milliseconds for which an op of the graph holds a lock that all requests share,
            without using the CPU; 0: there is no such op.
    """

    name: str
    kind: Literal["dense", "image"]
    layers: int
    tokens: int = 8
    batching: str | None = None
    image_pixels: tuple[int, int] = (0, 0)
    scores: int = SCORES
    lock_ms: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of requests to one model.

    Attributes:
        model: Its name.
        arrivals: When the requests are sent.
        rows: The rows of each request, in turn.
        encoding: How a request carries its numbers: as the bytes of a tensor
            (``tensor_content``), or as a list of numbers (``float_val``).
    """

    model: str
    arrivals: Arrivals
    rows: tuple[int, ...] = (1,)
    encoding: Literal["bytes", "numbers"] = "bytes"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A server, its load, and its planted problem.

    Attributes:
        name: Name for ``diag demo --scenario``.
        story: One sentence about the problem.
        models: Models of the server; they share one pool of executor threads.
        streams: The load.
        findings: Ids of the findings that may come first, ``healthy`` for none. The first names the
            planted cause; on machines of other speed another one is as right.
        victim: The model whose requests show the cause.
        session_metadata: Whether traces name the model, which TensorFlow Serving does only with a
            platform_config_file.
        duration_ns: Length of the capture.
        inter_op_threads: Threads of TensorFlow's executor pool, shared by all models.
        intra_op_threads: Threads inside one op; 0: one a core.
        handler_threads: Threads of the front end. Each request in flight takes one, queued or
            running, and so does each call of the profiler.
        deadline_s: Deadline of the clients' calls, in s; the server gives it to Session::Run, as
            TensorFlow Serving does.
        has_neighbours: Whether other processes on the machine compute without end.
        needs_client_log: Whether only the clients see the cause, so that their log is analyzed as
            well.
    """

    name: str
    story: str
    models: tuple[ModelPlan, ...]
    streams: tuple[Stream, ...]
    findings: tuple[str, ...]
    victim: str
    session_metadata: bool = False
    duration_ns: int = 4_000_000_000
    inter_op_threads: int = 2
    intra_op_threads: int = 1
    handler_threads: int = HANDLER_THREADS
    deadline_s: float = DEADLINE_S
    has_neighbours: bool = False
    needs_client_log: bool = False

    @property
    def planted(self) -> str:
        """The finding that names the planted cause; ``healthy`` where nothing is planted."""
        return self.findings[0]


def batching(
    max_batch_size: int,
    timeout_micros: int,
    threads: int,
    allowed: tuple[int, ...] = (),
    *,
    max_execution_batch_size: int | None = None,
    max_enqueued_batches: int = 100,
) -> str:
    """The text of a batching_parameters_file."""
    lines = [
        f"max_batch_size {{ value: {max_batch_size} }}",
        f"batch_timeout_micros {{ value: {timeout_micros} }}",
        f"max_enqueued_batches {{ value: {max_enqueued_batches} }}",
        f"num_batch_threads {{ value: {threads} }}",
        *(f"allowed_batch_sizes: {size}" for size in allowed),
    ]
    if max_execution_batch_size is not None:
        lines += [
            "enable_large_batch_splitting { value: true }",
            f"max_execution_batch_size {{ value: {max_execution_batch_size} }}",
        ]
    return "\n".join(lines) + "\n"


def without_preprocessing(scenario: Scenario) -> Scenario:
    """The same scenario with clients that decode images themselves and send features."""
    plans = tuple(
        replace(plan, kind="dense", image_pixels=(0, 0)) if plan.kind == "image" else plan
        for plan in scenario.models
    )
    return replace(scenario, models=plans)
