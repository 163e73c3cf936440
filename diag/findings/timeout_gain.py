"""What another batch_timeout_micros brings: the recorded waits of the requests, cut to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.findings.batching import batch_threads, is_in_scope, threads_load
from diag.findings.smaller_batches import most_run_saved_ns, most_saved_ns
from diag.model.availability import Unavailable
from diag.model.finding import Gain
from diag.model.serving import Stage
from diag.simulation.options import POLL_PERIOD_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.events import Bools
    from diag.model.finding import Setting


def gain_of_timeout(inputs: RuleInputs, setting: Setting) -> Gain | Unavailable:
    """The mean latency with the new timeout; not where threads may not keep up with it.

    Args:
        inputs: With the recorded waits.
        setting: ``batch_timeout_micros``, now and to.
    """
    if isinstance(setting.now, Unavailable):
        return Unavailable(f"today's timeout is not known: {setting.now.reason}")
    if isinstance(setting.to, Unavailable):
        return setting.to
    keeps_up = keeps_up_alone(inputs.analysis)
    if isinstance(keeps_up, Unavailable):
        return keeps_up
    if not keeps_up:
        return Unavailable(
            "the batch threads may not keep up with smaller batches; that needs a simulation"
        )
    to_us, now_us = float(setting.to), float(setting.now)
    if to_us == 0:
        return _gain_at_once(inputs, setting)
    fill, longest = _stage_ns(inputs, Stage.QUEUE_FILL), longest_fill_ns(inputs, setting, to_us)
    part = min(1.0, to_us / now_us) if now_us else 1.0
    mine = _in_scope(inputs, setting)
    run = np.where(mine, most_run_saved_ns(inputs.analysis, setting), 0.0) * (1 - part)
    in_proportion = np.where(mine, fill * part, fill)
    shortest = np.minimum(in_proportion, longest) - run
    shortest = np.maximum(shortest, fill - most_saved_ns(inputs.analysis, setting))
    mean = inputs.shares.mean_ns
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - float((fill - shortest).mean()),
        high=mean - float((fill - longest).mean()),
        method=(
            "Each recorded wait is cut to the new timeout: in proportion, with batches that take "
            "less time as they hold fewer rows (low), or to the whole timeout and the scheduler's "
            "1 ms poll (high). Everything else stays as it is."
        ),
    )


def _gain_at_once(inputs: RuleInputs, setting: Setting) -> Gain:
    """With 0, Schedule notifies a free thread (shared_batch_scheduler.h, TensorFlow 2.21)."""
    mine = _in_scope(inputs, setting)
    waits = _stage_ns(inputs, Stage.QUEUE_FILL) + _stage_ns(inputs, Stage.QUEUE_DISPATCH)
    wake = np.minimum(_stage_ns(inputs, Stage.QUEUE_DISPATCH), thresholds.WAKE_NS)
    run = most_run_saved_ns(inputs.analysis, setting)
    most = most_saved_ns(inputs.analysis, setting)
    at_best = np.where(mine, np.minimum(waits + run, most), 0.0)
    at_least = np.where(mine, np.minimum(waits - wake, most), 0.0)
    mean = inputs.shares.mean_ns
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - float(at_best.mean()),
        high=mean - float(at_least.mean()),
        method=(
            "Without a timeout a request wakes a free batch thread at once: the recorded waits "
            "for the batch to fill and for the scheduler's 1 ms poll end, and a batch takes less "
            "time as it holds fewer rows (low); the thread takes 50 µs to wake, and batches take "
            "as long as today (high). Everything else stays as it is."
        ),
    )


def keeps_up_alone(analysis: Analysis) -> bool | Unavailable:
    """Whether the threads could serve each request as a batch that takes as long as one today.

    That is the worst that a shorter timeout can lead to.
    """
    load, threads = threads_load(analysis), batch_threads(analysis).now
    if isinstance(load, Unavailable) or isinstance(threads, Unavailable):
        return Unavailable("how busy the batch threads are is not known")
    tasks = analysis.batches.tasks
    alone = load * max(1.0, float(tasks.mean()) if len(tasks) else 1.0)
    return alone <= thresholds.THREADS_MAX_LOAD * float(threads)


def longest_fill_ns(inputs: RuleInputs, setting: Setting, to_us: float) -> NDArray[np.float64]:
    """(complete requests,) recorded wait to fill, cut to the timeout and the poll that notices it.

    Waits of requests to which the setting does not apply stay as they are, and so does what a
    request waits for another queue at the same time. A timeout of 0 has no poll: a thread is
    notified.
    """
    notices_ns = POLL_PERIOD_NS if to_us else thresholds.WAKE_NS
    fill = _stage_ns(inputs, Stage.QUEUE_FILL)
    cut = np.minimum(fill, to_us * 1000 + notices_ns)
    cut = np.maximum(cut, fill - most_saved_ns(inputs.analysis, setting))
    return np.asarray(np.where(_in_scope(inputs, setting), cut, fill), np.float64)


def _in_scope(inputs: RuleInputs, setting: Setting) -> Bools:
    """(complete requests,) whether the setting applies to them."""
    return is_in_scope(inputs.analysis, setting)[inputs.analysis.requests.complete]


def _stage_ns(inputs: RuleInputs, stage: Stage) -> NDArray[np.float64]:
    """(complete requests,) recorded time of the stage, ns."""
    requests = inputs.analysis.requests
    return np.asarray(requests.stage_ns[:, stage.index][requests.complete], np.float64)
