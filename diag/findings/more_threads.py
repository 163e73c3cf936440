"""More batch threads, or what helps in their place where the machine has no core for them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batching import batch_threads, from_to, parameter_remedy, restore, threads_load
from diag.findings.cpu import if_free_cores, order_by_cores
from diag.model.availability import Unavailable
from diag.model.finding import Remedy, RemedyKind, RemedyPlace

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.finding import Setting


def thread_remedies(analysis: Analysis) -> tuple[Remedy, ...]:
    """More threads and another replica; where the CPU is full, more CPU in place of the threads."""
    return order_by_cores(analysis, _more(analysis), (_replica(),))


def rollback_of_threads(analysis: Analysis) -> str:
    """How to undo the first of ``thread_remedies``."""
    if thread_remedies(analysis)[0] == _more(analysis):
        return restore(_setting(analysis))
    return "Remove the replica again."


def _more(analysis: Analysis) -> Remedy:
    setting = _setting(analysis)
    return parameter_remedy(
        analysis,
        f"Run more batches in parallel: num_batch_threads{from_to(setting)}"
        f"{if_free_cores(analysis)}.",
        setting,
        "With no free core, each batch takes longer and nothing is gained.",
    )


def _replica() -> Remedy:
    return Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.FLEET,
        "Add a replica if the model itself keeps the threads busy.",
    )


def _setting(analysis: Analysis) -> Setting:
    """Enough for today's load to keep them below ``THREADS_MAX_LOAD``, and at least one more."""
    setting, load = batch_threads(analysis), threads_load(analysis)
    if isinstance(setting.now, Unavailable) or isinstance(load, Unavailable):
        return setting
    enough = math.ceil(load / thresholds.THREADS_MAX_LOAD)
    return replace(setting, to=max(enough, int(setting.now) + 1))
