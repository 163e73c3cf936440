"""What a rule needs to be recorded before it can find anything, and why that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.analysis.batching.queue_keys import ADAPTIVE
from diag.analysis.cpu import cpu_busy, server_cores, throttled_ns
from diag.findings.egress import output_bytes
from diag.findings.gpu_clocks import clocks_unknown
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.analysis.result import Analysis


class Need(NamedTuple):
    """Something that the rules which name it cannot do without.

    Attributes:
        missing: Why a capture does not have it; None where it has.
    """

    missing: Callable[[Analysis], Unavailable | None]


class NotLookedFor(NamedTuple):
    """A rule that cannot find anything in a capture.

    Attributes:
        id: Of the rule.
        reason: What is missing, as half a sentence.
    """

    id: str
    reason: str


def _batches(analysis: Analysis) -> Unavailable | None:
    return None if analysis.queues else Unavailable("no batch was recorded")


def _batches_by_size(analysis: Analysis) -> Unavailable | None:
    """The time of a batch by its rows: one queue where it is known is enough."""
    if not analysis.queues:
        return _batches(analysis)
    times = [summary.line.fixed_ns for summary in analysis.queues]
    missing = [each for each in times if isinstance(each, Unavailable)]
    if len(missing) < len(times):
        return None
    return Unavailable(f"the time of a batch by its rows is not known: {missing[0].reason}")


def _gpu(analysis: Analysis) -> Unavailable | None:
    if any(timeline.is_device for timeline in analysis.timelines):
        return None
    return Unavailable("the trace has no events of a GPU")


def _gpu_samples(analysis: Analysis) -> Unavailable | None:
    return None if analysis.sampled_devices else Unavailable("no GPU was sampled")


def _gpu_signs(analysis: Analysis) -> Unavailable | None:
    """Anything but device events that tells of a GPU."""
    loss = analysis.device_loss
    if analysis.sampled_devices or loss.errors or loss.gpu_threads:
        return None
    return Unavailable("no GPU was sampled, and the trace has no sign of one")


def _cpu_samples(analysis: Analysis) -> Unavailable | None:
    busy = cpu_busy(analysis)
    return busy if isinstance(busy, Unavailable) else None


def _server_cpu(analysis: Analysis) -> Unavailable | None:
    cores = server_cores(analysis)
    return cores if isinstance(cores, Unavailable) else None


def _throttling(analysis: Analysis) -> Unavailable | None:
    counted = throttled_ns(analysis)
    return counted if isinstance(counted, Unavailable) else None


def _metrics(analysis: Analysis) -> Unavailable | None:
    return analysis.metrics if isinstance(analysis.metrics, Unavailable) else None


def _calls(analysis: Analysis) -> Unavailable | None:
    """Calls of clients, or those of the capture."""
    times = analysis.clients.times
    if not isinstance(times, Unavailable) or not isinstance(analysis.probe, Unavailable):
        return None
    return times


def _parameters(analysis: Analysis) -> Unavailable | None:
    told = analysis.capture.batching_parameters
    return told if isinstance(told, Unavailable) else None


def _known_scheduler(analysis: Analysis) -> Unavailable | None:
    keys = {summary.queue.key for summary in analysis.queues}
    if keys == {ADAPTIVE}:
        return Unavailable(
            "the adaptive scheduler formed the batches, and its limits are not known"
        )
    return None


def _loops(analysis: Analysis) -> Unavailable | None:
    loop = analysis.preprocess_loop
    return loop if isinstance(loop, Unavailable) else None


def _output_bytes(analysis: Analysis) -> Unavailable | None:
    size = output_bytes(analysis)
    return size if isinstance(size, Unavailable) else None


BATCHES = Need(_batches)
KNOWN_SCHEDULER = Need(_known_scheduler)
BATCHES_BY_SIZE = Need(_batches_by_size)
GPU = Need(_gpu)
GPU_SAMPLES = Need(_gpu_samples)
GPU_SIGNS = Need(_gpu_signs)
CPU_SAMPLES = Need(_cpu_samples)
SERVER_CPU = Need(_server_cpu)
CLOCKS = Need(clocks_unknown)
LOOPS = Need(_loops)
OUTPUT_BYTES = Need(_output_bytes)
THROTTLING = Need(_throttling)
METRICS = Need(_metrics)
PARAMETERS = Need(_parameters)
CALLS = Need(_calls)


def first_missing(analysis: Analysis, needs: tuple[Need, ...]) -> Unavailable | None:
    """Why the first need that a capture lacks is missing; None where it has all of them."""
    reasons = (need.missing(analysis) for need in needs)
    return next((reason for reason in reasons if reason is not None), None)
