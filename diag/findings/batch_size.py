"""Larger batches: whether they serve rows in less time, which size to try, and why.

The time of a batch by its executed rows, t(b), is fitted over the recorded batches
(``diag/analysis/fit.py``). Where it cannot be fitted, the rows that are in the server at a time
decide, and the advice says what is not known.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.analysis.fit import Fit
from diag.findings import thresholds
from diag.findings.batching import (
    batching_place,
    from_to,
    parameter_remedy,
    setting_of,
    threads_busy_ratio,
)
from diag.findings.open_requests import open_rows
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, RemedyPlace, Source
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.model.serving import CLOSE_REASONS, CloseReason, Parameter

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, BatchSummary
    from diag.model.finding import Remedy, Setting

# The doubling nearest to a number of rows: from this many times the size on, it is twice the size.
_DOUBLED = math.sqrt(2)
_SIZE = CLOSE_REASONS.index(CloseReason.SIZE)


class LargerSize(NamedTuple):
    """A larger batch size to try.

    Attributes:
        setting: The parameter, with today's value and the one to try.
        remedy: The change, with its reason.
        saves: Part of the time of a row that it saves, 0 to 1; Unavailable without t(b).
        evidence: The numbers of the reason.
        recorded_rows: Of the largest recorded batch; beyond it t(b) is extrapolated.
    """

    setting: Setting
    remedy: Remedy
    saves: float | Unavailable
    evidence: tuple[Evidence, ...]
    recorded_rows: int


def larger_size(analysis: Analysis) -> LargerSize | None:
    """The size to try; None where batches are not full, or where larger ones would save nothing.

    It is about the queue whose batches take most time. The size is doubled as long as that saves
    ``DOUBLING_MIN_SAVING`` of the time of a row, up to ``SIZE_MAX_FACTOR``, and to the doubling
    nearest to the rows that are open at a time: a batch can hold no others. Where requests were
    refused while the batch threads were busy, more rows would be open than were recorded: this
    bound is left out if t(b) is known, and gives way to one doubling if not.
    """
    summary = _busiest(analysis)
    if summary is None or full_share(analysis, summary) < thresholds.FULL_MIN_SHARE:
        return None
    limit = summary.queue.max_batch_size
    if isinstance(limit, Unavailable):
        return None
    opened = open_rows(analysis, analysis.batches.queues.index(summary.queue))
    busy = threads_busy_ratio(analysis)
    overloaded = not isinstance(busy, Unavailable) and busy > thresholds.THREADS_MAX_LOAD
    refused = overloaded and analysis.counts.refused > 0
    line = _line(analysis, summary)
    bound = opened
    if refused:
        is_known = not isinstance(row_ns(line, 2 * limit.value), Unavailable)
        bound = math.inf if is_known else max(opened, _DOUBLED * limit.value)
    to = _size(line, limit.value, bound)
    if to == limit.value:
        return None
    setting = replace(_setting(analysis, summary, limit), to=to)
    return LargerSize(
        setting=setting,
        remedy=_remedy(analysis, summary, setting, line, opened),
        saves=_saving(line, limit.value, to),
        evidence=_evidence(summary.model, line, limit.value, to, opened),
        recorded_rows=line.most_rows,
    )


def larger_known_size(analysis: Analysis) -> LargerSize | None:
    """The size to try where t(b) says what it saves; None where that is not known."""
    larger = larger_size(analysis)
    return None if larger is None or isinstance(larger.saves, Unavailable) else larger


def full_share(analysis: Analysis, summary: BatchSummary) -> float:
    """Share of a queue's batches that could not take another request, 0 to 1.

    They hold ``max_batch_size`` rows, or the next request did not fit in: whatever they waited for.
    """
    batches, limit = analysis.batches, summary.queue.max_batch_size
    mine = batches.of_queue(summary.queue)
    full = batches.close_reason_index[mine] == _SIZE
    if isinstance(limit, Parameter):
        full |= batches.rows[mine] >= limit.value
    return float(full.mean()) if len(full) else 0.0


def all_full_share(analysis: Analysis) -> float | Unavailable:
    """The same over the batches of all queues."""
    if not analysis.queues:
        return Unavailable("no batch was recorded")
    full = sum(full_share(analysis, each) * each.batches for each in analysis.queues)
    return full / sum(each.batches for each in analysis.queues)


def _busiest(analysis: Analysis) -> BatchSummary | None:
    """The queue whose batches take most time."""
    batches = analysis.batches
    time_ns = np.bincount(
        batches.queue_index,
        weights=batches.end_ns - batches.start_ns,
        minlength=len(batches.queues),
    )
    index = batches.queues.index
    return max(analysis.queues, key=lambda each: time_ns[index(each.queue)], default=None)


def _line(analysis: Analysis, summary: BatchSummary) -> Fit:
    """t(b) of the GPU where the model has work on one: a GPU runs one batch after the other."""
    cost = next((each for each in analysis.device_costs if each.model == summary.model), None)
    if cost is None or not cost.curve:
        return summary.line
    rows = [point.rows for point in cost.curve if point.rows > 0]
    return Fit(
        cost.fixed_ns,
        cost.per_row_ns,
        Unavailable("not needed for a size"),
        min(rows, default=0),
        max(rows, default=0),
    )


def _size(line: Fit, now: int, opened: float) -> int:
    """``now`` times a power of two; ``now`` itself where nothing larger is worth a try."""
    to = now
    while 2 * to <= thresholds.SIZE_MAX_FACTOR * now and _DOUBLED * to <= opened:
        saving = _saving(line, to, 2 * to)
        if not isinstance(saving, Unavailable) and saving < thresholds.DOUBLING_MIN_SAVING:
            break
        to *= 2
    return to


def _saving(line: Fit, now: int, to: int) -> float | Unavailable:
    """Part of the time of a row that the larger size saves."""
    of_now, of_to = row_ns(line, now), row_ns(line, to)
    if isinstance(of_now, Unavailable):
        return of_now
    if isinstance(of_to, Unavailable):
        return of_to
    return 1 - of_to / of_now if of_now > 0 else 0.0


def row_ns(line: Fit, rows: int) -> float | Unavailable:
    """Time of a batch of so many rows, by row."""
    time_ns = line.time_ns(rows)
    return time_ns if isinstance(time_ns, Unavailable) else time_ns / rows


def _setting(analysis: Analysis, summary: BatchSummary, limit: Parameter) -> Setting:
    """Splitting queues have a parameter of their own for it."""
    told = analysis.capture.batching_parameters
    is_split = analysis.counts.split_requests > 0 or (
        not isinstance(told, Unavailable)
        and bool(told.enable_large_batch_splitting and told.max_execution_batch_size)
    )
    name = "max_execution_batch_size" if is_split else "max_batch_size"
    scope = summary.model if len(analysis.queues) > 1 else ""
    return replace(setting_of(name, [limit]), scope=scope)


def _remedy(
    analysis: Analysis, summary: BatchSummary, setting: Setting, line: Fit, opened: float
) -> Remedy:
    follows = ", and the last entry of allowed_batch_sizes with it"
    in_graph = batching_place(analysis) is RemedyPlace.SAVED_MODEL
    if setting.name != "max_batch_size":
        follows = ", and max_batch_size at least as large"
        if in_graph:
            follows = ", which is the last entry of allowed_batch_sizes of the BatchFunction"
    elif in_graph:
        follows = ", and the last entry of allowed_batch_sizes of the BatchFunction with it"
    of_queue = f" for {printable(setting.scope, NAME_MAX_CHARS)}" if setting.scope else ""
    return parameter_remedy(
        analysis,
        f"Allow larger batches{of_queue}: {setting.name}{from_to(setting)}{follows}. "
        f"{_reason(line, setting, opened)}",
        setting,
        "Each batch takes longer, and so does a request that is alone in it.",
    )


def _reason(line: Fit, setting: Setting, opened: float) -> str:
    """Why that size: by t(b), or by the open rows where it is not known."""
    now, to = _whole(setting.now), _whole(setting.to)
    of_now, of_to = row_ns(line, now), row_ns(line, to)
    if isinstance(of_now, Unavailable) or isinstance(of_to, Unavailable):
        missing = of_now if isinstance(of_now, Unavailable) else of_to
        reason = missing.reason if isinstance(missing, Unavailable) else ""
        unknown = f"take is not known ({reason}): capture again and compare."
        if _DOUBLED * to / 2 > opened:
            return (
                "Requests were refused while the batch threads were busy, so more rows than the "
                f"{opened:.0f} of the recorded requests would be in the server. How long larger "
                f"batches {unknown}"
            )
        return (
            f"About {opened:.0f} rows are in the server at a time, enough for batches of about "
            f"that size. How long these {unknown}"
        )
    beyond = ""
    if to > line.most_rows:
        beyond = f"; extrapolated, the largest recorded batch had {line.most_rows} rows"
    return (
        f"By the times of the recorded batches, a row takes {duration(of_to)} in a batch of {to}, "
        f"and {duration(of_now)} in one of {now}{beyond}."
    )


def _whole(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def _evidence(model: str, line: Fit, now: int, to: int, opened: float) -> tuple[Evidence, ...]:
    where = Source("batches", model)
    items = [Evidence("rows in the server at a time, mean while any is", opened, "rows", where)]
    for rows in (now, to):
        time_ns = row_ns(line, rows)
        if not isinstance(time_ns, Unavailable):
            items.append(Evidence(f"time of a row in a batch of {rows}", time_ns, "ns", where))
    if line.most_rows:
        items.append(Evidence("largest executed batch", line.most_rows, "rows", where))
    return tuple(items)
