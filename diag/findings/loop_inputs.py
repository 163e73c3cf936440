"""What every rule about Python loops looks at, and sentences that the verdict shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.analysis.cpu import machine_cores, runnable_threads
from diag.analysis.distribution import describe
from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Source
from diag.model.loops import MODEL_CALL, FunctionPlace, LoopStage, PythonFunction
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, GapSummary
    from diag.model.loops import Loops


@dataclass(frozen=True, slots=True)
class LoopInputs:
    """An Analysis of a program with iterations.

    Attributes:
        analysis: All of it.
        loops: Its loops.
        mean_ns: Mean time of an iteration without waiting for a request.
    """

    analysis: Analysis
    loops: Loops
    mean_ns: float

    def share(self, *stages: LoopStage) -> float:
        """Of the time of iterations without waiting for a request, 0 to 1."""
        return self.loops.mean_ns(*stages) / self.mean_ns if self.mean_ns else 0.0

    def functions(self, place: FunctionPlace, stage: LoopStage) -> list[PythonFunction]:
        """The program's functions in one place and stage, most time first."""
        if isinstance(self.loops.functions, Unavailable):
            return []
        return [f for f in self.loops.functions if f.place is place and f.stage is stage]

    @property
    def crowding(self) -> float:
        """Threads of the machine that could run, for each core; 1 at least, or if not sampled.

        A thread that computes gets one core divided by it. So CPU time over time, times this, is
        at most what the thread would need of a free core.
        """
        threads, cores = runnable_threads(self.analysis), machine_cores(self.analysis)
        if isinstance(threads, Unavailable) or isinstance(cores, Unavailable):
            return 1.0
        return max(1.0, threads / cores)

    @property
    def gpu(self) -> GapSummary | None:
        """The GPU that was idle longest, if the trace has any."""
        gpus = [gaps for gaps in self.analysis.idle if gaps.timeline.is_device]
        return max(gpus, key=lambda gaps: gaps.idle_ns, default=None)

    @property
    def busy(self) -> float:
        """Ratio of the window: the GPU at work, or without one a call of the model."""
        gpu = self.gpu
        if gpu is None:
            return self.loops.model_busy
        return gpu.timeline.busy_ns / max(1, gpu.timeline.window.duration_ns)

    @property
    def busy_sentence(self) -> str:
        """How long the device works, or the model is called."""
        gpu = self.gpu
        if gpu is None:
            return (
                f"Calls of the model, from their first op to their last, take {self.busy:.1%} of "
                f"the window; for the other {1 - self.busy:.1%} the model is idle."
            )
        name = printable(gpu.timeline.name, NAME_MAX_CHARS)
        return f"{name} is busy {self.busy:.1%} of the window and idle {1 - self.busy:.1%}."

    @property
    def sentence(self) -> str:
        """How many iterations there are, and how long they take."""
        table = self.loops.iterations
        count, threads = int(table.complete.sum()), len(table.threads)
        calls = sorted({printable(thread.call, NAME_MAX_CHARS) for thread in table.threads})
        wait = self.loops.mean_ns(LoopStage.REQUEST_WAIT)
        waiting = f", after {duration(wait)} waiting for a request" if wait >= 1 else ""
        return (
            "This is not a trace of TensorFlow Serving: it is of a Python loop that calls a model "
            f"({', '.join(calls)}). {count:,} {'iteration' if count == 1 else 'iterations'} on "
            f"{threads} {'thread' if threads == 1 else 'threads'} take {duration(self.mean_ns)} "
            f"each on average{waiting}."
        )

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The numbers of both sentences."""
        table = self.loops.iterations
        durations = describe(table.duration_ns[table.complete])
        where = Source("iterations")
        return (
            Evidence("complete iterations", durations.n, "iterations", where),
            Evidence("threads with iterations", len(table.threads), "threads", where),
            Evidence("iteration mean", self.mean_ns, "ns", where),
            self.share_evidence("model call", *MODEL_CALL),
            Evidence("busy", self.busy, "ratio", where),
        )

    def share_evidence(self, name: str, *stages: LoopStage) -> Evidence:
        """A share of the iterations as evidence."""
        return Evidence(
            f"share of iterations in {name}",
            self.share(*stages),
            "ratio",
            Source("loop", ", ".join(stage.value for stage in stages)),
        )


def loop_inputs(analysis: Analysis) -> LoopInputs | Unavailable:
    """The inputs of the rules, or why no rule about loops can run."""
    loops = analysis.loops
    if isinstance(loops, Unavailable):
        return loops
    return LoopInputs(analysis, loops, loops.mean_ns() - loops.mean_ns(LoopStage.REQUEST_WAIT))


def named(function: PythonFunction) -> str:
    """``serve.py:10 load``, safe to print."""
    return printable(function.label, NAME_MAX_CHARS)


def waits(inputs: LoopInputs, function: PythonFunction) -> bool:
    """Whether the thread's CPU clock shows that it mostly waits, and not for a core."""
    ratio = function.cpu_ratio
    if isinstance(ratio, Unavailable):
        return False
    return ratio * inputs.crowding <= 1 - thresholds.COMPUTES_MIN_RATIO


def waits_or_computes(inputs: LoopInputs, function: PythonFunction) -> str:
    """What the thread's CPU clock tells, in words."""
    ratio = function.cpu_ratio
    if isinstance(ratio, Unavailable):
        return "whether it waits or computes was not sampled"
    on_cpu = f"on the CPU for {ratio:.0%} of it"
    if waits(inputs, function):
        return f"it waits: {on_cpu}"
    return f"it computes: {on_cpu}" if ratio >= thresholds.COMPUTES_MIN_RATIO else on_cpu


def function_evidence(functions: list[PythonFunction]) -> tuple[Evidence, ...]:
    """Share and CPU ratio of each."""
    out = []
    for function in functions[:2]:
        where = Source("functions", named(function))
        out.append(Evidence(f"share of {named(function)}", function.share, "ratio", where))
        if not isinstance(function.cpu_ratio, Unavailable):
            out.append(
                Evidence(f"CPU ratio of {named(function)}", function.cpu_ratio, "ratio", where)
            )
    return tuple(out)
