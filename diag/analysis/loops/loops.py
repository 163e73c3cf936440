"""``find_loops()``: iterations, functions, pipelines and retracing of a Python program."""

from __future__ import annotations

import re

from diag.analysis.intervals.sets import union
from diag.analysis.loops import thresholds
from diag.analysis.loops.functions import find_functions
from diag.analysis.loops.iterations import find_iterations, pieces_of, table_of
from diag.analysis.loops.pipelines import find_pipelines
from diag.analysis.loops.retracing import find_retracing
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.events import Plane
from diag.model.gaps import Confidence
from diag.model.loops import FoundBy, IterationTable, Loops
from diag.model.program import Program, ProgramKind

# Of a JAX program nothing but the function's name tells a step of training.
_TRAINS = re.compile(r"train|update|grad|loss|optim")


def find_loops(capture: Capture, host: Plane, program: Program) -> Loops | Unavailable:
    """The loops of a Python program, or why there are none."""
    if not program.may_loop:
        return Unavailable("this program is no Python loop around a model")
    found = find_iterations(host, capture.window, capture.stacks)
    table = table_of(found)
    if not table.complete.any():
        return Unavailable("no thread repeats a call of a model")
    if program.kind is ProgramKind.JAX and all(_TRAINS.search(t.call) for t in table.threads):
        return Unavailable("its calls are steps of training, by their names")
    confidence, reason = _confidence(table)
    return Loops(
        iterations=table,
        pieces=pieces_of(found),
        functions=find_functions(host, found, capture.stacks),
        pipelines=find_pipelines(host.events, capture.window),
        retracing=find_retracing(host.events),
        model_busy=union(table.model_start_ns, table.model_end_ns).total_ns
        / max(1, capture.window.duration_ns),
        confidence=confidence,
        confidence_reason=reason,
    )


def _confidence(table: IterationTable) -> tuple[Confidence, str]:
    ways = {thread.found_by for thread in table.threads}
    complete = int(table.complete.sum())
    if ways == {FoundBy.ANNOTATION}:
        return Confidence.HIGH, f"The program marks its {complete:,} requests itself."
    if FoundBy.CALL in ways:
        return (
            Confidence.MEDIUM,
            "Each call of a function is one iteration: the ops between the calls do not repeat.",
        )
    if complete < thresholds.FEW_ITERATIONS:
        return Confidence.MEDIUM, f"Only {complete:,} complete iterations were recorded."
    least = min(thread.regularity for thread in table.threads)
    return (
        Confidence.HIGH,
        f"{complete:,} iterations; {least:.0%} of their calls repeat.",
    )
