"""Iterations of a Python loop around a model, and what their time went to, as columns."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.model.availability import Unavailable
from diag.model.events import Bools, Int32s, Int64s
from diag.model.gaps import Confidence


class LoopStage(enum.Enum):
    """Where an iteration's time went, in the order of columns; docs/loops.md has the edges."""

    REQUEST_WAIT = "request-wait"
    INPUT_WAIT = "input-wait"
    INPUT_FETCH = "input-fetch"
    PREPROCESS = "preprocess"
    CONVERT = "convert"
    TRACING = "tracing"
    DISPATCH = "dispatch"
    MODEL = "model"
    POSTPROCESS = "postprocess"
    NOT_KNOWN = "not-known"
    UNATTRIBUTED = "unattributed"

    @property
    def index(self) -> int:
        """Column of this stage in ``IterationTable.stage_ns``."""
        return _INDEX[self]

    @property
    def column(self) -> str:
        """Name of the export column, e.g. ``stage_input_wait_ns``."""
        return f"stage_{self.value.replace('-', '_')}_ns"


LOOP_STAGES: tuple[LoopStage, ...] = tuple(LoopStage)
_INDEX = {stage: i for i, stage in enumerate(LOOP_STAGES)}
# What ``LoopThread.call`` is where it is no function of the program.
PREDICT = "predict"
EAGER_OPS = "eager ops"
# The parts of a call of the model, as the code around it sees it.
MODEL_CALL = (LoopStage.TRACING, LoopStage.DISPATCH, LoopStage.MODEL)


class FoundBy(enum.Enum):
    """How the iterations of a thread were found."""

    ANNOTATION = "annotation"  # diag.request() in the program
    INPUT = "input"  # each begins with next() of a tf.data iterator
    PERIOD = "period"  # the sequence of eager ops repeats
    CALL = "call"  # calls of a tf.function, without a repeated sequence


@dataclass(frozen=True, slots=True)
class LoopThread:
    """A thread that repeats a call of a model.

    Attributes:
        name: Of its line in the trace, made unique by a number where threads share a name.
        line_id: ``Line.id``.
        found_by: How its iterations were found.
        regularity: Ratio of eager ops that repeat those one period before, 0 to 1; 1 where
            iterations were not found by the period.
        call: What the model call is: a function's name, ``predict``, or ``eager ops``.
    """

    name: str
    line_id: int
    found_by: FoundBy
    regularity: float
    call: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IterationTable:
    """One row for each call of the model; ordered by thread, then start.

    An iteration of a loop over a tf.data iterator reaches from one ``next()`` to the next one, of
    another loop from the end of one model call to the end of the next one, and of an annotated
    program over the annotation. For every row ``stage_ns.sum(axis=1) == end_ns - start_ns``.

    Attributes:
        start_ns: (n,) int64, ns since the capture's origin.
        end_ns: (n,) int64, half-open end.
        thread_index: (n,) int32, into ``threads``.
        complete: (n,) bool; False where the window cut it. Statistics leave it out.
        stage_ns: (n, len(LOOP_STAGES)) int64.
        model_start_ns: (n,) int64, begin of the model call.
        model_end_ns: (n,) int64, end of it.
        threads: The threads.
    """

    start_ns: Int64s
    end_ns: Int64s
    thread_index: Int32s
    complete: Bools
    stage_ns: NDArray[np.int64]
    model_start_ns: Int64s
    model_end_ns: Int64s
    threads: tuple[LoopThread, ...]

    def __len__(self) -> int:
        return len(self.start_ns)

    def __repr__(self) -> str:
        return f"IterationTable({len(self)} rows, {len(self.threads)} threads)"

    @property
    def duration_ns(self) -> Int64s:
        """(n,) int64."""
        return self.end_ns - self.start_ns


class FunctionPlace(enum.Enum):
    """Where a Python function runs."""

    LOOP = "loop"  # between calls of the model
    MAP = "map"  # on a thread of tf.data


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A Python function of the program, by samples of the stacks.

    Attributes:
        file: As the samples name it.
        line: Of its ``def``; 0 if it is not known.
        name: Qualified name.
        place: Where it runs.
        stage: What its time counts as in the iterations.
        leaf: Its function that is most often the innermost one, ``file:line name``.
        samples: Number of samples, without those that a late sampler counted once.
        share: Of the time of the iterations, 0 to 1; for ``MAP``, of the sampled time of those
            threads inside the pipeline's Python functions.
        error: One standard deviation of ``share``, by the number of samples.
        cpu_ratio: CPU time over time, 0 to 1: near 0 it waits, near 1 it computes.
    """

    file: str
    line: int
    name: str
    place: FunctionPlace
    stage: LoopStage
    leaf: str
    samples: int
    share: float
    error: float
    cpu_ratio: float | Unavailable

    @property
    def label(self) -> str:
        """``serve.py:10 load``."""
        return f"{self.file}:{self.line} {self.name}"


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


@dataclass(frozen=True, slots=True)
class Retracing:
    """Traces of Python functions into graphs during the window.

    Attributes:
        calls: Calls of tf.functions.
        retraced: Those of them that were traced again.
        building: Graphs that were built.
        building_ns: Time of it, ns.
        function: The function that was retraced most; "" without one.
        always_first: Whether that function had always been traced once only: then a new function is
            made for each call.
    """

    calls: int
    retraced: int
    building: int
    building_ns: int
    function: str
    always_first: bool


@dataclass(frozen=True, slots=True, eq=False)
class Loops:
    """What is known of the Python loops of a program.

    Attributes:
        iterations: The calls of the model.
        functions: Python functions by time, most first; Unavailable without stack samples.
        pipelines: tf.data pipelines, the most waited for first.
        retracing: Traces of functions.
        model_busy: Ratio of the window in which any call of the model runs, 0 to 1.
        confidence: How sure it is that the iterations are right.
        confidence_reason: Why.
    """

    iterations: IterationTable
    functions: tuple[PythonFunction, ...] | Unavailable
    pipelines: tuple[Pipeline, ...]
    retracing: Retracing
    model_busy: float
    confidence: Confidence
    confidence_reason: str

    def share(self, *stages: LoopStage) -> float:
        """Part of the time of complete iterations in these stages, 0 to 1."""
        table = self.iterations
        stage_ns = table.stage_ns[table.complete]
        total = int(stage_ns.sum())
        part = sum(int(stage_ns[:, stage.index].sum()) for stage in stages)
        return part / total if total else 0.0

    def mean_ns(self, *stages: LoopStage) -> float:
        """Mean time of a complete iteration in these stages; in all without any."""
        table = self.iterations
        stage_ns = table.stage_ns[table.complete]
        if not len(stage_ns):
            return 0.0
        chosen = [stage.index for stage in stages] or list(range(len(LOOP_STAGES)))
        return float(stage_ns[:, chosen].sum()) / len(stage_ns)
