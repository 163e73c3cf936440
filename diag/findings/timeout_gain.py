"""What another batch_timeout_micros brings: the recorded waits of the requests, cut to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.findings.batching import batch_threads, is_in_scope, threads_load
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
    in_proportion = np.where(_in_scope(inputs, setting), fill * (to_us / max(now_us, 1.0)), fill)
    shortest = np.minimum(in_proportion, longest) if now_us else longest
    mean = inputs.shares.mean_ns
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - float((fill - shortest).mean()),
        high=mean - float((fill - longest).mean()),
        method=(
            "Each recorded wait is cut to the new timeout: in proportion (low), or to the whole "
            "timeout and the scheduler's 1 ms poll (high). Everything else stays as it is."
        ),
    )


def _gain_at_once(inputs: RuleInputs, setting: Setting) -> Gain:
    """With 0, Schedule notifies a free thread (shared_batch_scheduler.h, TensorFlow 2.21)."""
    mine = _in_scope(inputs, setting)
    fill = np.where(mine, _stage_ns(inputs, Stage.QUEUE_FILL), 0.0)
    dispatch = np.where(mine, _stage_ns(inputs, Stage.QUEUE_DISPATCH), 0.0)
    mean = inputs.shares.mean_ns
    low = mean - float((fill + dispatch).mean())
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=low,
        high=low + float(np.minimum(dispatch, thresholds.WAKE_NS).mean()),
        method=(
            "Without a timeout a request wakes a free batch thread at once: the recorded waits "
            "for the batch to fill and for the scheduler's 1 ms poll end (low), but for 50 µs in "
            "which the thread wakes (high). Everything else stays as it is."
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

    Waits of requests to which the setting does not apply stay as they are.

    A timeout of 0 has no poll: a thread is notified.
    """
    notices_ns = POLL_PERIOD_NS if to_us else thresholds.WAKE_NS
    fill = _stage_ns(inputs, Stage.QUEUE_FILL)
    cut = np.minimum(fill, to_us * 1000 + notices_ns)
    return np.asarray(np.where(_in_scope(inputs, setting), cut, fill), np.float64)


def _in_scope(inputs: RuleInputs, setting: Setting) -> Bools:
    """(complete requests,) whether the setting applies to them."""
    return is_in_scope(inputs.analysis, setting)[inputs.analysis.requests.complete]


def _stage_ns(inputs: RuleInputs, stage: Stage) -> NDArray[np.float64]:
    """(complete requests,) recorded time of the stage, ns."""
    requests = inputs.analysis.requests
    return np.asarray(requests.stage_ns[:, stage.index][requests.complete], np.float64)
