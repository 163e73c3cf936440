"""What limits the meaning of an analysis, in the order in which it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.analysis.result import Counts, Distribution, ModelSummary
from diag.analysis.thresholds import MIN_WINDOW_OVER_P99
from diag.model.availability import Caveat, Unavailable
from diag.model.capture import Capture
from diag.model.serving import Mode, Origin, Parameter, Queue


@dataclass(frozen=True, slots=True)
class CaveatInputs:
    """What caveats are drawn from."""

    capture: Capture
    level: int | Unavailable
    counts: Counts
    queues: tuple[Queue, ...]
    models: tuple[ModelSummary, ...]


def find_caveats(seen: CaveatInputs) -> tuple[Caveat, ...]:
    """All that apply, but for those about GPUs."""
    return (*_about_the_trace(seen), *_about_the_window(seen), *_about_the_queues(seen))


def _about_the_trace(seen: CaveatInputs) -> Iterator[Caveat]:
    batched = any(mode is not Mode.UNBATCHED for model in seen.models for mode in model.modes)
    if seen.level == 1 and batched:
        yield Caveat(
            "tracer-level-1",
            "Recorded at tracer level 1: stages inside a batch's run, and its output split, "
            "are not told apart and count as compute; the graph around an in-graph batcher, "
            "and unbatched requests beside the batched ones, are not recorded, so no demand "
            "means no batched request.",
        )
    if isinstance(seen.counts.requests, Unavailable):
        yield Caveat(
            "unbatched-not-recorded",
            f"How many requests ran is not known: {seen.counts.requests.reason}. Capture with "
            "--host-tracer-level 2.",
        )


def _about_the_window(seen: CaveatInputs) -> Iterator[Caveat]:
    counts, window = seen.counts, seen.capture.window
    for model in seen.models:
        name, longest = _longest(model.latency)
        if window.duration_ns < MIN_WINDOW_OVER_P99 * longest:
            yield Caveat(
                "window-too-short",
                f"The window of {window.duration_ns / 1e9:.2f} s is shorter than "
                f"{MIN_WINDOW_OVER_P99} x {name} of {model.model} ({longest / 1e6:.0f} ms): long "
                "requests are under-sampled. Capture for longer.",
            )
    total = 0 if isinstance(counts.requests, Unavailable) else counts.requests
    if counts.censored > max(2, total // 20):
        yield Caveat(
            "many-censored",
            f"{counts.censored} requests were cut by an edge of the window and are left out, "
            f"against {total} recorded whole.",
        )
    if counts.ambiguous_links:
        yield Caveat(
            "ambiguous-batch-id",
            f"{counts.ambiguous_links} tasks went into the first batch of a queue, whose id 0 "
            "several queues share: their requests are left incomplete.",
        )


def _longest(latency: Distribution) -> tuple[str, float]:
    """The p99 or, of too few requests for one, what there is of p90 and mean: p99 is longer."""
    for name, value in (("p99", latency.p99_ns), ("p90", latency.p90_ns)):
        if not isinstance(value, Unavailable):
            return name, value
    return "the mean", 0.0 if isinstance(latency.mean_ns, Unavailable) else latency.mean_ns


def _about_the_queues(seen: CaveatInputs) -> Iterator[Caveat]:
    estimated = sorted(
        {
            name
            for queue in seen.queues
            for name, value in (
                ("batch_timeout_micros", queue.batch_timeout_ns),
                ("max_batch_size", queue.max_batch_size),
                ("num_batch_threads", queue.num_batch_threads),
            )
            if not isinstance(value, Parameter) or value.origin is Origin.ESTIMATED
        }
    )
    if estimated:
        yield Caveat(
            "estimated-parameters",
            f"Not told, so estimated from the trace: {', '.join(estimated)}. The split of queueing "
            "into fill, thread and dispatch rests on that; --batching-parameters FILE settles it.",
        )
