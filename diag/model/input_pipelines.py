"""A program's tf.data pipelines, as the runtime ran them."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.availability import Unavailable


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """One dataset of a tf.data pipeline, as the runtime ran it.

    Attributes:
        path: Iterators from the root to it, with epochs left out.
        kind: Last part of the path, such as ``MapAndBatch``.
        name: The dataset's node, as the trace names it: the user's name, or ``MapDataset:2``.
        written: What the user wrote, where the runtime changed it.
        depth: Number of stages between the root and it.
        elements: Calls for an element.
        function_ns: Mean time of its function per call, while it executes; Unavailable without one.
        function_calls: Number of calls of its function.
        used: Mean number of its functions executing at a time.
        parallelism: Calls at a time that it may make; Unavailable where it is sequential or the
            trace does not tell.
        is_sequential: Whether it runs one function at a time.
        autotuned: Whether the runtime chose the parallelism.
        made_parallel: Whether the user left a map sequential that the runtime made parallel.
        injected: Whether the runtime added it.
        buffer_limit: Elements that its buffer may hold.
        batch_size: Elements of a batch.
        wait_share: Ratio of the time that the program waits for input in which a function of this
            stage, or the stage itself, executes.
        python_share: Ratio of the function's time inside a Python function; 0 without one.
        op: The op with most time in its function; "" where the trace shows none.
        runs_ops: Whether any op was seen in its function.
    """

    path: str
    kind: str
    name: str
    written: str
    depth: int
    elements: int
    function_ns: float | Unavailable
    function_calls: int
    used: float
    parallelism: int | Unavailable
    is_sequential: bool
    autotuned: bool
    made_parallel: bool
    injected: bool
    buffer_limit: int | Unavailable
    batch_size: int | Unavailable
    wait_share: float
    python_share: float
    op: str
    runs_ops: bool


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A tf.data pipeline that the program reads.

    Attributes:
        name: Node of its last dataset.
        instances: Iterators of this form that were read; many where it is made again and again.
        calls: Calls of ``next()`` in the window.
        wait_ns: Total time in them without an element ready.
        wait_ratio: Of the window, 0 to 1.
        empty_ratio: Calls that waited, over all calls.
        occupancy: Mean number of ready elements in the last buffer; Unavailable without one.
        producer_busy: Ratio of the time in which the producer of the last buffer works;
            Unavailable without a buffer.
        threadpool_size: Threads of the pool that runs its functions.
        cpu_budget: CPUs that the autotuner plans with.
        autotuned: Whether the autotuner is on.
        critical: Index into ``stages`` of the stage that decides how fast elements come; -1 where
            the program does not wait, or it is not known.
        stages: From the root to the sources.
    """

    name: str
    instances: int
    calls: int
    wait_ns: int
    wait_ratio: float
    empty_ratio: float
    occupancy: float | Unavailable
    producer_busy: float | Unavailable
    threadpool_size: int | Unavailable
    cpu_budget: int | Unavailable
    autotuned: bool
    critical: int
    stages: tuple[PipelineStage, ...]

    @property
    def critical_stage(self) -> PipelineStage | None:
        """The critical stage, or None."""
        return self.stages[self.critical] if self.critical >= 0 else None
