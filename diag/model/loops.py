"""Iterations of a Python loop around a model, and what their time went to, as columns."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.model.availability import Unavailable
from diag.model.events import Bools, Int32s, Int64s
from diag.model.gaps import Confidence
from diag.model.input_pipelines import Pipeline


class LoopStage(enum.Enum):
    """Where an iteration's time went, in the order of columns; docs/loops.md has the edges."""

    REQUEST_WAIT = "request-wait"
    REQUEST_READ = "request-read"
    RESULT_WAIT = "result-wait"
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


@dataclass(frozen=True, slots=True, eq=False)
class LoopPieces:
    """The time of iterations in order, cut by stage; neighbours differ in stage or iteration.

    Attributes:
        iteration: (n,) int64 ascending, row of the ``IterationTable``.
        start_ns: (n,) int64, ns since the capture's origin.
        end_ns: (n,) int64, half-open end.
        stage_index: (n,) int64, into ``LOOP_STAGES``.
    """

    iteration: Int64s
    start_ns: Int64s
    end_ns: Int64s
    stage_index: Int64s


class FunctionPlace(enum.Enum):
    """Where a Python function runs."""

    LOOP = "loop"  # between calls of the model
    MAP = "map"  # on a thread of tf.data
    POOL = "pool"  # on a thread of a pool, which no loop runs on


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
        share: Of the time of the iterations, 0 to 1; for ``MAP`` and ``POOL``, of the sampled time
            of those threads inside functions of the program.
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
class Retracing:
    """Traces of Python functions into graphs during the window.

    Attributes:
        calls: Calls of tf.functions.
        retraced: Those of them that were traced again.
        building_ns: Time of it, ns.
        function: The function that was retraced most; "" without one.
        always_first: Whether that function had always been traced once only: then a new function is
            made for each call.
    """

    calls: int
    retraced: int
    building_ns: int
    function: str
    always_first: bool


@dataclass(frozen=True, slots=True, eq=False)
class Loops:
    """What is known of the Python loops of a program.

    Attributes:
        iterations: The calls of the model.
        pieces: Their time in order; for each iteration and stage it adds up to ``stage_ns``.
        functions: Python functions by time, most first; Unavailable without stack samples.
        pipelines: tf.data pipelines, the most waited for first.
        retracing: Traces of functions.
        model_busy: Ratio of the window in which any call of the model runs, 0 to 1.
        confidence: How sure it is that the iterations are right.
        confidence_reason: Why.
    """

    iterations: IterationTable
    pieces: LoopPieces
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
