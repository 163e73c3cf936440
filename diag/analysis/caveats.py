"""What limits the meaning of an analysis, in the order in which it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.analysis.distribution import Distribution
from diag.analysis.parameter_caveats import parameter_caveats
from diag.analysis.result import BatchSummary, Counts, ModelSummary
from diag.analysis.samples.model_loads import find_model_loads
from diag.analysis.thresholds import CENSORED_FEW, CENSORED_PART, MIN_WINDOW_OVER_P99
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat, Limit
from diag.model.loops import Loops
from diag.model.program import Program
from diag.model.serving import Mode, RequestTable


@dataclass(frozen=True, slots=True)
class CaveatInputs:
    """What caveats are derived from.

    Attributes:
        is_batched: Whether the trace has any event of a batcher.
        unseen_refusals: Requests that a batcher may have refused without an event.
        loops: Iterations of a Python program.
    """

    capture: Capture
    level: int | Unavailable
    counts: Counts
    queues: tuple[BatchSummary, ...]
    requests: RequestTable
    is_batched: bool
    models: tuple[ModelSummary, ...]
    loading_runs: int
    unseen_refusals: int
    loops: Loops | Unavailable


def find_caveats(inputs: CaveatInputs) -> tuple[Caveat, ...]:
    """All caveats that apply, except those about GPUs (``diag.analysis.device.caveats``)."""
    return (
        *_about_the_trace(inputs),
        *_about_the_window(inputs),
        *_about_the_counts(inputs.counts),
        *parameter_caveats(
            inputs.capture, inputs.requests, inputs.queues, is_batched=inputs.is_batched
        ),
        *_about_refusals(inputs),
        *_about_loads(inputs),
        *_about_python(inputs.loops),
    )


# About requests and servers, which a trace of another program does not have.
_OF_SERVERS = frozenset(
    {
        "ambiguous-batch-id",
        "bare-trace",
        "batching-not-in-force",
        "contradicted-parameters",
        "device-events-unlinked",
        "estimated-parameters",
        "many-censored",
        "no-device-plane",
        "refusals-not-recorded",
        "tracer-level-1",
        "unbatched-not-recorded",
        "window-too-short",
    }
)


def applicable(caveats: tuple[Caveat, ...], program: Program) -> tuple[Caveat, ...]:
    """Those that limit an analysis of this kind of program."""
    if program.may_serve:
        return caveats
    return tuple(caveat for caveat in caveats if caveat.code not in _OF_SERVERS)


def _about_the_trace(inputs: CaveatInputs) -> Iterator[Caveat]:
    batched = any(mode is not Mode.UNBATCHED for model in inputs.models for mode in model.modes)
    if inputs.level == 1 and batched:
        limits = (Limit.STAGES, Limit.IDLE, Limit.REQUESTS)
        yield Caveat("tracer-level-1", limits, remedy="tracer-level-2")
    if isinstance(inputs.counts.requests, Unavailable):
        facts = (("tracer_level", inputs.level),)
        yield Caveat("unbatched-not-recorded", (Limit.REQUESTS,), facts, "tracer-level-2")


def _about_the_window(inputs: CaveatInputs) -> Iterator[Caveat]:
    window_ns = inputs.capture.window.duration_ns
    for model in inputs.models:
        statistic, longest_ns = _longest(model.latency)
        if window_ns < MIN_WINDOW_OVER_P99 * longest_ns:
            yield Caveat(
                "window-too-short",
                (Limit.REQUESTS,),
                (
                    ("model", model.model),
                    ("statistic", statistic),
                    ("latency_ns", longest_ns),
                    ("window_ns", window_ns),
                    ("needed_window_ns", MIN_WINDOW_OVER_P99 * longest_ns),
                ),
                "capture-longer",
            )


def _longest(latency: Distribution) -> tuple[str, float]:
    """The p99 or, with too few requests for it, the p90 or the mean, which are shorter."""
    for name, value in (("p99", latency.p99_ns), ("p90", latency.p90_ns)):
        if not isinstance(value, Unavailable):
            return name, value
    return "mean", 0.0 if isinstance(latency.mean_ns, Unavailable) else latency.mean_ns


def _about_the_counts(counts: Counts) -> Iterator[Caveat]:
    whole = 0 if isinstance(counts.requests, Unavailable) else counts.requests
    if counts.censored > max(CENSORED_FEW, whole // CENSORED_PART):
        facts = (("cut_count", counts.censored), ("whole_count", whole))
        yield Caveat("many-censored", (Limit.REQUESTS,), facts, "capture-longer")
    if counts.ambiguous_links:
        tasks = (("tasks_count", counts.ambiguous_links),)
        limits = (Limit.REQUESTS, Limit.QUEUEING)
        yield Caveat("ambiguous-batch-id", limits, tasks, "capture-again")


def _about_refusals(inputs: CaveatInputs) -> Iterator[Caveat]:
    if inputs.unseen_refusals:
        facts = (
            ("empty_count", inputs.unseen_refusals),
            ("requests_count", len(inputs.requests)),
        )
        yield Caveat("refusals-not-recorded", (Limit.REQUESTS,), facts, "look-at-answers")


def _about_loads(inputs: CaveatInputs) -> Iterator[Caveat]:
    loads = find_model_loads(inputs.capture)
    if inputs.loading_runs or loads.loaded:
        facts = (
            ("loaded", loads.loaded),
            ("before", loads.before),
            ("runs_count", inputs.loading_runs),
        )
        yield Caveat("model-loaded", (Limit.REQUESTS,), facts)


def _about_python(loops: Loops | Unavailable) -> Iterator[Caveat]:
    if not isinstance(loops, Unavailable) and isinstance(loops.functions, Unavailable):
        facts = (("reason", loops.functions.reason),)
        yield Caveat("python-not-sampled", (Limit.STAGES,), facts, "sample-python")
