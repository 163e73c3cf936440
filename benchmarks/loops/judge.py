"""diag's analysis of a recorded loop against the loop's own log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import diag
from benchmarks.loops.truth import read_truth
from diag.model.loops import MODEL_CALL, LoopStage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.loops.planted import Planted

# Percentage points of the iterations' time.
SHARE_MAX_ERROR = 2.0
# Which kinds of steps of the log are which stages.
GROUPS: Mapping[str, tuple[tuple[str, ...], tuple[LoopStage, ...]]] = {
    "wait": (("wait",), (LoopStage.REQUEST_WAIT,)),
    "read": (("read",), (LoopStage.REQUEST_READ,)),
    "results": (("result",), (LoopStage.RESULT_WAIT,)),
    "next()": (("input",), (LoopStage.INPUT_WAIT, LoopStage.INPUT_FETCH)),
    "Python": (
        ("prepare", "answer"),
        (LoopStage.PREPROCESS, LoopStage.CONVERT, LoopStage.POSTPROCESS),
    ),
    "model": (("model",), MODEL_CALL),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One recording.

    Attributes:
        found: Complete iterations that diag shows.
        true: Those that the log has in the window.
        shares: By group: diag's and the log's share of the iterations' time, percent.
        waiting: The same for waiting until an element is made; None where it is not logged.
        finding: Id of the first finding; "" without any.
        sentence: What it says.
        stage: Kind of the tf.data stage that diag says decides; "" for none.
        remedy: The first finding's first advice; "" without any.
    """

    found: int
    true: int
    shares: Mapping[str, tuple[float, float]]
    waiting: tuple[float, float] | None
    finding: str = ""
    sentence: str = ""
    stage: str = ""
    remedy: str = ""


def compare(planted: Planted, bundle: Path, log: Path) -> Compared:
    """Analyse a bundle and compare it with the log."""
    analysis = diag.analyze(diag.open_bundle(bundle))
    origin, window = analysis.capture.origin_unix_ns, analysis.capture.window
    bounds = origin + window.start_ns, origin + window.end_ns
    truth = read_truth(log, bounds, has_made=planted.has_made)
    loops, findings = analysis.loops, diag.find(analysis)
    if isinstance(loops, diag.Unavailable):
        return Compared(0, len(truth.start_ns), {}, None)
    waiting = None
    if truth.wait_share is not None:
        waiting = 100 * loops.share(LoopStage.INPUT_WAIT), 100 * truth.wait_share
    stage = loops.pipelines[0].critical_stage if loops.pipelines else None
    return Compared(
        found=int(loops.iterations.complete.sum()),
        true=len(truth.start_ns),
        shares={
            name: (100 * loops.share(*stages), 100 * sum(truth.shares[kind] for kind in kinds))
            for name, (kinds, stages) in GROUPS.items()
        },
        waiting=waiting,
        finding=findings[0].id if findings else "",
        sentence=findings[0].what if findings else "",
        stage=stage.kind if stage else "",
        remedy=next((each.action for each in findings[0].remedies), "") if findings else "",
    )


def faults(planted: Planted, compared: Compared) -> list[str]:
    """What is wrong, a phrase each."""
    out = []
    if abs(compared.found - compared.true) > planted.threads:
        out.append("iterations")
    waiting = {} if compared.waiting is None else {"not made": compared.waiting}
    for name, (said, true) in {**compared.shares, **waiting}.items():
        if abs(said - true) > SHARE_MAX_ERROR:
            out.append(name)
    if compared.finding not in (planted.findings or ("",)):
        out.append("finding")
    elif planted.words not in compared.sentence:
        out.append(f"sentence without {planted.words}")
    elif planted.remedy not in compared.remedy:
        out.append(f"advice without {planted.remedy}")
    if planted.stage and compared.stage != planted.stage:
        out.append(f"stage {compared.stage or 'not named'}, not {planted.stage}")
    return out
