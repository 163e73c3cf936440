"""The order in which causes are tried at every idle instant.

The cause is the state of the request that has come furthest, since that request would have made the
device busy next. Causes that stop the whole machine come before it, causes that hold without an
open request after it. docs/attribution.md shows this order to users.
"""

from __future__ import annotations

from dataclasses import replace

from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.cold_runs import cold_run_cause
from diag.analysis.idle.causes.host_calls import call_causes
from diag.analysis.idle.causes.machine import profiler_cause, throttled_cause
from diag.analysis.idle.causes.outside import ingress_cause, trace_edge_cause, unexplained_cause
from diag.analysis.idle.causes.pending_launches import pending_launch_cause
from diag.analysis.idle.causes.queues import hidden_run_cause, queue_causes, split_cause
from diag.analysis.idle.causes.step_evidence import StepEvidence
from diag.analysis.idle.causes.steps import step_causes
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.timeline import IdleTimeline
from diag.analysis.intervals.sets import subtract
from diag.model.intervals import IntervalSet


def ordered_causes(
    inputs: IdleInputs, timeline: IdleTimeline, blanks: IntervalSet, evidence: StepEvidence
) -> tuple[CauseIntervals, ...]:
    """All causes on one timeline, in order of precedence; no-demand is where none is active.

    Args:
        inputs: Everything known.
        timeline: The timeline.
        blanks: When no host event began or ended.
        evidence: Events that may show what a step was doing.
    """
    use, device, demand = timeline.use, timeline.device, timeline.demand
    steps = step_causes(inputs, timeline, evidence)
    queues = queue_causes(inputs, use)
    calls = call_causes(inputs, timeline)
    throttled = throttled_cause(inputs, blanks, demand.open, queues.dispatch.confirmed)
    waiting_in_queues = (queues.host_work, queues.dispatch, queues.fill)
    ahead_of_batcher = (steps.preprocess_ahead, steps.queue_executor_ahead)
    output = (steps.output, split_cause(inputs, use))
    outside = (
        ingress_cause(inputs, demand),
        trace_edge_cause(inputs, timeline),
        unexplained_cause(inputs, demand),
    )
    if device is None:
        return (
            throttled,
            calls.cold_start,
            steps.preprocess,
            calls.model_load,
            steps.queue_executor,
            *waiting_in_queues,
            *ahead_of_batcher,
            *output,
            *outside,
        )
    cold_run, doubtful = cold_run_cause(inputs, use, device)
    confirmed = subtract(steps.preprocess.confirmed, doubtful)
    return (
        profiler_cause(inputs, device, demand),
        throttled,
        calls.allocator,
        calls.cold_start,
        calls.transfer,
        pending_launch_cause(inputs, device, demand),
        steps.launch,
        cold_run,
        replace(steps.preprocess, confirmed=confirmed),
        calls.model_load,
        hidden_run_cause(inputs, use),
        steps.queue_executor,
        *waiting_in_queues,
        *ahead_of_batcher,
        calls.sync,
        *output,
        *outside,
    )
