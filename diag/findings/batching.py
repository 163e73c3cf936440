"""Batching parameters as settings to change, and what batches say about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Remedy, RemedyKind, RemedyPlace, Setting
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import setting_text
from diag.model.serving import CLOSE_REASONS, MODES, CloseReason, Mode, Origin, Parameter, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis.result import Analysis, BatchSummary
    from diag.model.events import Bools

# A setting of clients, not of the server: how many signatures of a model they call.
SIGNATURES_CALLED = "signatures called"
_DIFFER = Unavailable("the queues have different values")
_STEPS = (1, 2, 5)


def batch_timeout_us(analysis: Analysis) -> Setting:
    """``batch_timeout_micros`` as it is now, in µs.

    Where queues have different values it is that of one queue, which ``scope`` names: the one whose
    requests wait longest for batches to fill.
    """
    name = "batch_timeout_micros"
    common = setting_of(name, (s.queue.batch_timeout_ns for s in analysis.queues), divisor=1000)
    if common.now is not _DIFFER:
        return common
    requests = analysis.requests
    spent_ns = np.zeros(len(requests.models), np.int64)
    np.add.at(spent_ns, requests.model_index, requests.stage_ns[:, Stage.QUEUE_FILL.index])
    named = [s for s in analysis.queues if s.queue.model_index >= 0]
    if not named:
        return common
    worst = max(named, key=lambda summary: int(spent_ns[summary.queue.model_index]))
    timeout = [worst.queue.batch_timeout_ns]
    return replace(setting_of(name, timeout, divisor=1000), scope=worst.model)


def is_in_scope(analysis: Analysis, setting: Setting) -> Bools:
    """(requests,) whether the setting applies to them."""
    requests = analysis.requests
    if not setting.scope:
        return np.ones(len(requests), np.bool_)
    return np.asarray(requests.model_index == requests.models.index(setting.scope), np.bool_)


def largest_queues(analysis: Analysis) -> list[BatchSummary]:
    """The queues with most batches, at most ``QUEUES_MAX``."""
    return sorted(analysis.queues, key=lambda each: -each.batches)[: thresholds.QUEUES_MAX]


def batch_threads(analysis: Analysis) -> Setting:
    """``num_batch_threads`` as it is now."""
    return setting_of("num_batch_threads", (s.queue.num_batch_threads for s in analysis.queues))


def setting_of(name: str, values: Iterable[Parameter | Unavailable], divisor: int = 1) -> Setting:
    """Today's value where all queues agree on it; nothing to change it to yet.

    Args:
        name: Of the parameter, as users write it.
        values: By queue.
        divisor: Of the values, for the unit that the name says.
    """
    not_yet = Unavailable("not computed")
    known = list(values)
    if not known:
        return Setting(name, Unavailable("no batch was recorded"), not_yet)
    missing = next((value for value in known if isinstance(value, Unavailable)), None)
    if missing is not None:
        return Setting(name, missing, not_yet)
    origins = {value.origin for value in known if isinstance(value, Parameter)}
    origin = Origin.ESTIMATED if Origin.ESTIMATED in origins else min(origins, key=_rank)
    found = {value.value // divisor for value in known if isinstance(value, Parameter)}
    if origin is Origin.ESTIMATED and divisor > 1:
        found = {_two_digits(value) for value in found}
    if len(found) > 1:
        return Setting(name, _DIFFER, not_yet)
    return Setting(name, found.pop(), not_yet, origin=origin.value)


def _rank(origin: Origin) -> int:
    return list(Origin).index(origin)


def _two_digits(value: int) -> int:
    """An estimated time is no better than that. Rows and threads are counted, and so exact."""
    return round(value, -max(0, len(str(value)) - 2))


def round_125(value: float) -> int:
    """The largest of 1, 2, 5, 10, 20, … that is not above the value; 0 below 1."""
    if value < 1:
        return 0
    power: int = 10 ** (len(str(int(value))) - 1)
    return max(step * power for step in _STEPS if step * power <= value)


def batching_place(analysis: Analysis) -> RemedyPlace:
    """Where batching parameters live: in the file, or in the graph's own BatchFunction ops."""
    modes = {MODES[index] for index in np.unique(analysis.requests.mode_index).tolist()}
    if Mode.BATCH_FUNCTION in modes and Mode.BATCHING_SESSION not in modes:
        return RemedyPlace.SAVED_MODEL
    return RemedyPlace.BATCHING_PARAMETERS_FILE


def parameter_remedy(analysis: Analysis, action: str, setting: Setting, risk: str) -> Remedy:
    """A change of one batching parameter.

    Queues of one batching_parameters_file share its values. Where a value is that of one queue,
    the models have files of their own (session_bundle_config.proto, tensorflow/serving 9d981c5c:
    ``enable_per_model_batching_params``).
    """
    remedy = replace(batching_remedy(analysis, action, risk), setting=setting)
    if setting.scope and remedy.place is RemedyPlace.BATCHING_PARAMETERS_FILE:
        return replace(remedy, place=RemedyPlace.PER_MODEL_FILE)
    return remedy


def batching_remedy(analysis: Analysis, action: str, risk: str) -> Remedy:
    """A change of batching that is not one parameter."""
    place = batching_place(analysis)
    kind = RemedyKind.MODEL if place is RemedyPlace.SAVED_MODEL else RemedyKind.PARAMETER
    return Remedy(kind, place, action, risk=risk)


def larger_batches(analysis: Analysis, reason: str) -> Remedy:
    """Larger batches, or batching at all where there is none.

    Args:
        analysis: Whether anything is batched.
        reason: Why they help, in half a sentence.
    """
    if analysis.queues:
        return batching_remedy(
            analysis,
            f"Or run larger batches: {reason}.",
            "Requests wait longer for a batch to fill.",
        )
    return Remedy(
        RemedyKind.FLAG,
        RemedyPlace.SERVER_FLAG,
        f"Or turn batching on (--enable_batching with a --batching_parameters_file): {reason}.",
        risk="Requests wait for a batch to fill.",
    )


def restore(setting: Setting) -> str:
    """How to undo a change of the setting."""
    if isinstance(setting.now, Unavailable):
        return f"Put the earlier {setting.name}{of_scope(setting)} back."
    about = "about " if setting.origin == Origin.ESTIMATED.value else ""
    return f"Set {setting.name}{of_scope(setting)} back to {about}{setting_text(setting.now)}."


def of_scope(setting: Setting) -> str:
    """`` of heavy:1``; "" where the setting is for all."""
    return f" of {printable(setting.scope, NAME_MAX_CHARS)}" if setting.scope else ""


def from_to(setting: Setting) -> str:
    """`` 10000 → 2000``, as far as the values are known; "" if neither is."""
    about = "about " if setting.origin == Origin.ESTIMATED.value else ""
    if isinstance(setting.to, Unavailable):
        return (
            ""
            if isinstance(setting.now, Unavailable)
            else f" (now {about}{setting_text(setting.now)})"
        )
    if isinstance(setting.now, Unavailable):
        return f" to {setting.to}"
    return f" {about}{setting_text(setting.now)} → {setting.to}"


def closed_share(analysis: Analysis, reason: CloseReason) -> float | Unavailable:
    """Share of batches that ended their wait for this reason, 0 to 1."""
    index = analysis.batches.close_reason_index
    known = index != CLOSE_REASONS.index(CloseReason.UNKNOWN)
    if not known.any():
        return Unavailable("no batch tells why it was closed")
    return float((index[known] == CLOSE_REASONS.index(reason)).mean())


def threads_load(analysis: Analysis) -> float | Unavailable:
    """How many batch threads held a batch on average over the window."""
    batches, window = analysis.batches, analysis.capture.window
    if not len(batches) or not window.duration_ns:
        return Unavailable("no batch was recorded")
    held = np.minimum(batches.end_ns, window.end_ns) - np.maximum(batches.start_ns, window.start_ns)
    return float(np.maximum(held, 0).sum() / window.duration_ns)


def threads_busy_ratio(analysis: Analysis) -> float | Unavailable:
    """Share of the time of all batch threads in which they held a batch, 0 to 1."""
    load, threads = threads_load(analysis), batch_threads(analysis).now
    if isinstance(load, Unavailable):
        return load
    return threads if isinstance(threads, Unavailable) else load / max(1.0, float(threads))
