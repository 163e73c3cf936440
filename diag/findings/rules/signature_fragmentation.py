"""Requests of one model version wait in several queues, so that their batches stay small."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.findings import thresholds
from diag.findings.batch_size import full_share
from diag.findings.batching import SIGNATURES_CALLED, largest_queues
from diag.findings.confidence import Basis, judge
from diag.findings.metrics import check, not_above
from diag.findings.shares import window_ratio
from diag.findings.sources import BATCHES
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Setting,
    Severity,
    Source,
    Tier,
)
from diag.model.printable import NAME_MAX_CHARS, printable

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, BatchSummary
    from diag.findings.inputs import RuleInputs

ID = "signature-fragmentation"
NEEDS = (BATCHES,)
# A label with its version is of one version only (diag/analysis/requests/model_names.py).
_WITH_VERSION = re.compile(r":\d+$")


class Fragments(NamedTuple):
    """The queues of one model version.

    Attributes:
        model: Label with the version.
        queues: How many.
        rows_mean: Rows of their batches.
        together: Share of their batches that waited while a batch of another of them waited, too.
    """

    model: str
    queues: int
    rows_mean: float
    together: float


def find(inputs: RuleInputs) -> Finding | None:
    """Queues of one model version whose batches wait at the same time, none of them full.

    A BatchingSession has one queue for each signature (batching_session.cc, tensorflow/serving
    9d981c5c). Two BatchFunction ops of a graph are no fragments: one follows the other.
    """
    found = _fragments(inputs.analysis)
    gaps = inputs.gaps
    busy = 0.0 if gaps is None else window_ratio(gaps, gaps.timeline.busy_ns)
    if found is None or busy < thresholds.FRAGMENTED_MIN_BUSY:
        return None
    confidence, reason = judge(inputs, Basis(on_device=False))
    name = printable(found.model, NAME_MAX_CHARS)
    where = Source("batches", found.model)
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Requests of {name} wait in {found.queues} queues, one for each signature: "
            f"{found.together:.0%} of its batches waited at the same time as one of another queue, "
            f"and they hold {found.rows_mean:.1f} rows on average."
        ),
        evidence=(
            Evidence("queues of the model", found.queues, "queues", where),
            Evidence("batches that waited at the same time", found.together, "ratio", where),
            Evidence("rows in a batch, mean", found.rows_mean, "rows", where),
            Evidence("busy", busy, "ratio", Source("idle", inputs.timeline_name)),
        ),
        counter_evidence=(
            CounterEvidence(
                "signatures that compute different things, whose batches cannot be joined",
                Unavailable("what a signature computes is in the SavedModel, not in the recording"),
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Let all clients call the same signature.",
                Setting(SIGNATURES_CALLED, found.queues, 1, scope=found.model),
                risk="It may compute outputs that some of them do not need.",
            ),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or export one signature with the inputs and outputs of all of them.",
            ),
        ),
        gain=Unavailable("how batches of one queue would fill needs a simulation"),
        verify=(
            check(inputs.analysis, "batches.rows_mean", low=1.5 * found.rows_mean),
            *not_above(inputs.analysis, "latency.mean"),
        ),
        rollback="Let clients call their earlier signatures.",
        tier=Tier.DEVICE_TIME,
        at_stake_ns=busy * found.together * (1 - 1 / found.queues) * 1e9,
    )


def _fragments(analysis: Analysis) -> Fragments | None:
    """The model version with most batches in such queues."""
    by_model: dict[str, list[BatchSummary]] = {}
    for summary in largest_queues(analysis):
        is_large = summary.batches >= thresholds.QUEUE_BATCHES_MIN and not summary.queue.is_function
        if is_large and _WITH_VERSION.search(summary.model):
            by_model.setdefault(summary.model, []).append(summary)
    found = []
    for model, queues in by_model.items():
        is_small = all(full_share(analysis, each) < thresholds.FULL_MIN_SHARE for each in queues)
        together = _together(analysis, queues) if len(queues) > 1 else 0.0
        if is_small and together >= thresholds.FULL_MIN_SHARE:
            total = sum(each.batches for each in queues)
            rows = sum(each.rows_mean * each.batches for each in queues) / total
            found.append((total, Fragments(model, len(queues), rows, together)))
    return max(found, key=lambda item: item[0])[1] if found else None


def _together(analysis: Analysis, queues: list[BatchSummary]) -> float:
    """Share of batches during whose wait a batch of another of the queues waited."""
    batches = analysis.batches
    index = [batches.queues.index(each.queue) for each in queues]
    known = batches.first_enqueue_ns >= 0
    hits = total = 0
    for own in index:
        mine = known & (batches.queue_index == own)
        others = known & np.isin(batches.queue_index, [each for each in index if each != own])
        begins = np.sort(batches.first_enqueue_ns[others])
        ends = np.sort(batches.start_ns[others])
        begun = np.searchsorted(begins, batches.start_ns[mine], side="left")
        ended = np.searchsorted(ends, batches.first_enqueue_ns[mine], side="right")
        hits += int((begun > ended).sum())
        total += int(mine.sum())
    return hits / total if total else 0.0
