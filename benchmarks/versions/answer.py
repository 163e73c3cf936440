"""What diag says about a recording, as far as it is judged."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import diag
from diag.cli import main
from diag.model.gaps import IdleCause
from diag.model.serving import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from diag.analysis import Analysis
    from diag.model.events import Int64s
    from diag.model.program import ProgramKind


@dataclass(frozen=True, slots=True)
class Answer:
    """diag's answer.

    Attributes:
        status: Exit status of ``diag analyze``.
        errors: What it wrote to stderr.
        kind: What kind of program it takes the trace for.
        verdict: Id of the verdict.
        sentence: The verdict's.
        origin_unix_ns: Where the trace's clock begins; None where the trace does not say.
        requests: (n, 2): begin and end of complete requests on the trace's clock, ns.
        model_calls: (n, 2): begin and end of the model call in complete iterations of a Python loop
            on the trace's clock, ns.
        cut: Requests and batches said to be cut by the window.
        stage_ns: Time of all complete requests by stage; only stages with any.
        tiles: Whether each request's stages add up to its duration.
        idle_ratios: Part of the window by cause of idle time, the largest of all timelines.
    """

    status: int
    errors: str
    kind: ProgramKind
    verdict: str
    sentence: str
    origin_unix_ns: int | None
    requests: Int64s
    model_calls: Int64s
    cut: int
    stage_ns: Mapping[Stage, int]
    tiles: bool
    idle_ratios: Mapping[IdleCause, float]


def answer(trace: Path) -> Answer:
    """Ask diag about a trace, by the command and by the library.

    Raises:
        Exception: diag failed; what it is is told by the class.
    """
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())), redirect_stderr(io.StringIO()) as errors:
        status = main(["analyze", str(trace)])
    analysis = diag.analyze(diag.open_bundle(trace))
    verdict = diag.conclude(analysis, diag.find(analysis))
    table, origin = analysis.requests, analysis.capture.origin_unix_ns
    spans = np.stack((table.start_ns, table.end_ns), axis=1)
    by_stage = table.stage_ns[table.complete].sum(axis=0)
    return Answer(
        status=status,
        errors=errors.getvalue().strip(),
        kind=analysis.program.kind,
        verdict=verdict.id,
        sentence=verdict.sentence,
        origin_unix_ns=None if isinstance(origin, diag.Unavailable) else origin,
        requests=spans[table.complete],
        model_calls=_model_calls(analysis),
        cut=analysis.counts.censored + analysis.counts.censored_batches,
        stage_ns={s: ns for s, ns in zip(STAGES, by_stage.tolist(), strict=True) if ns},
        tiles=bool((table.stage_ns.sum(axis=1) == spans[:, 1] - spans[:, 0]).all()),
        idle_ratios=_idle_ratios(analysis),
    )


def _model_calls(analysis: Analysis) -> Int64s:
    loops = analysis.loops
    if isinstance(loops, diag.Unavailable):
        return np.empty((0, 2), np.int64)
    table = loops.iterations
    return np.stack((table.model_start_ns, table.model_end_ns), axis=1)[table.complete]


def _idle_ratios(analysis: Analysis) -> dict[IdleCause, float]:
    ratios: dict[IdleCause, float] = {}
    for gaps in analysis.idle:
        window_ns = max(1, gaps.timeline.window.duration_ns)
        for cause, ns in gaps.by_cause_ns.items():
            ratios[cause] = max(ratios.get(cause, 0.0), ns / window_ns)
    return ratios
