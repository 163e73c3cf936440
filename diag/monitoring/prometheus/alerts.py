"""What is too much of a recorded series, what it means, and which command explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.monitoring.prometheus import limits
from diag.monitoring.prometheus.promql import NODE, ON_A_NODE

if TYPE_CHECKING:
    from diag.monitoring.prometheus.limits import Limit
    from diag.monitoring.prometheus.timing import Timing

_HOST = '{{ reReplaceAll ":[0-9]+$" "" $labels.instance }}'
_PAGE = "http://{{ $labels.instance }}/monitoring/prometheus/metrics"
_PERCENT = "{{ $value | humanizePercentage }}"
_TIME = "{{ $value | humanizeDuration }}"
_MODELS = '{{ or $labels.model_name "all models" }} on {{ $labels.instance }}'
_MODEL = "{{ $labels.model_name }} on {{ $labels.instance }}"
_INSTANCE = "{{ $labels.instance }}"
DCGM_PORT = 9400
GRPC_PORT = 8500


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule.

    Attributes:
        name: In CamelCase, as Prometheus' users expect.
        expr: PromQL; its value is in the summary.
        severity: ``critical`` where clients get errors, else ``warning``.
        summary: One sentence; a template of Prometheus.
        description: What it means and what it does not.
        findings: Ids of the findings that it can be, the likeliest first.
        limits: What its expression compares with, by what is compared.
        gpu: Whether the capture needs the GPU's samples.
    """

    name: str
    expr: str
    severity: str
    summary: str
    description: str
    findings: tuple[str, ...]
    limits: dict[str, Limit]
    gpu: bool = False

    def command(self, grpc_port: int = GRPC_PORT) -> str:
        """The command to run, as a template of Prometheus."""
        dcgm = f" --dcgm http://{{{{ $labels.{NODE} }}}}:{DCGM_PORT}/metrics" if self.gpu else ""
        return f"diag capture {_HOST}:{grpc_port} --metrics {_PAGE}{dcgm}"


def alerts(timing: Timing) -> tuple[Alert, ...]:
    """All alerts."""
    return (*_of_requests(timing), *_of_batches(timing), *_of_machines())


def _of_requests(timing: Timing) -> tuple[Alert, ...]:
    requests = f"tfserving_model:requests:rate * {timing.window_s:g}"
    return (
        Alert(
            name="TFServingP99High",
            expr=f"tfserving_model:request_seconds:p99 > {limits.P99}\n"
            f"  and tfserving_model:answers:rate * {timing.window_s:g} >= "
            f"{limits.P99_MIN_REQUESTS}",
            severity="warning",
            summary=f"{_MODEL}: p99 of the latency is about {_TIME}.",
            description="The value is estimated from the buckets of a histogram, each 1.8 times as "
            "wide as the one before: the real p99 is at most 1.8 times lower or higher. Failed "
            "requests are not counted: check their share too. Then run the command.",
            findings=(
                "batch-threads-saturated",
                "batch-timeout-dominates",
                "device-saturated",
                "cold-start",
            ),
            limits={"p99": limits.P99},
        ),
        Alert(
            name="TFServingRequestsRefused",
            expr=f"tfserving_model:refused:ratio >= {limits.REFUSED_SHARE}\n"
            f"  and tfserving_model:refused:ratio * {requests} >= {limits.FAILED_MIN_REQUESTS}",
            severity="critical",
            summary=f"{_MODEL} refuses {_PERCENT} of its requests.",
            description="The batching queue was full (UNAVAILABLE), or requests timed out in it or "
            "a run had too little memory (both RESOURCE_EXHAUSTED). Requests that gRPC refuses for "
            "lack of a thread are in no metric of the server: look at the errors of clients.",
            findings=(
                "batch-queue-overflow",
                "deadline-exceeded",
                "requests-failed",
                "grpc-threads-exhausted",
            ),
            limits={"refused share": limits.REFUSED_SHARE},
        ),
        Alert(
            name="TFServingRequestsFailed",
            expr=f"tfserving_model:failed:ratio >= {limits.FAILED_SHARE}\n"
            f"  and tfserving_model:failed:ratio * {requests} >= {limits.FAILED_MIN_REQUESTS}",
            severity="critical",
            summary=f"{_PERCENT} of the requests to {_MODEL} fail.",
            description="Refused requests are not among them. The label status of "
            ":tensorflow:serving:request_count names the errors.",
            findings=(
                "requests-failed",
                "request-too-large",
                "input-shapes-differ",
                "no-batch-dimension",
                "deadline-exceeded",
            ),
            limits={"failed share": limits.FAILED_SHARE},
        ),
    )


def _of_batches(timing: Timing) -> tuple[Alert, ...]:
    enough = f"tfserving_batches:batches:rate * {timing.window_s:g} >= {limits.MIN_BATCHES}"
    waits = f"tfserving_batches:queue_seconds:mean > {limits.QUEUE_WAIT}"
    nearly_empty = (
        f"(tfserving_batches:fill:ratio < {limits.FILL}\n"
        f"    or tfserving_batches:rows_per_batch:mean <= {limits.ROWS_PER_BATCH}\n"
        "    unless tfserving_batches:fill:ratio)"
    )
    return (
        Alert(
            name="TFServingQueueShareHigh",
            expr=f"tfserving_batches:queue_share:ratio > {limits.QUEUE_SHARE}\n  and {waits}\n"
            f"  and {enough}\n  unless {nearly_empty}",
            severity="warning",
            summary=f"{_MODELS}: {_PERCENT} of the time in the runtime is waiting in the batching "
            "queue.",
            description="Batches wait for a batch thread, or requests for their batch to fill or "
            "time out. A capture tells which.",
            findings=(
                "batch-threads-saturated",
                "batch-timeout-dominates",
                "batch-size-too-small",
                "device-saturated",
            ),
            limits={"queue share": limits.QUEUE_SHARE, "mean wait": limits.QUEUE_WAIT},
        ),
        Alert(
            name="TFServingBatchesNearlyEmpty",
            expr=f"tfserving_batches:queue_share:ratio > {limits.EMPTY_SHARE}\n  and {waits}\n"
            f"  and {enough}\n  and {nearly_empty}",
            severity="warning",
            summary=f"{_MODELS}: batches are nearly empty, and requests spend {_PERCENT} of their "
            "time in the runtime waiting in the queue.",
            description="The load does not fill a batch before batch_timeout_micros has passed, or "
            "clients send too few requests at a time.",
            findings=("batch-timeout-dominates", "batch-capped-by-concurrency", "bursty-arrivals"),
            limits={
                "queue share": limits.EMPTY_SHARE,
                "mean wait": limits.QUEUE_WAIT,
                "fill": limits.FILL,
                "rows in a batch, where fill is not known": limits.ROWS_PER_BATCH,
            },
        ),
    )


def _of_machines() -> tuple[Alert, ...]:
    """Alerts of a server, by what an exporter says of its machine; see ``_joined``."""
    return (
        Alert(
            name="TFServingGPUIdleWithOpenRequests",
            expr=_joined(
                f"tfserving_instance:open_requests:mean{{{ON_A_NODE}}} >= {limits.OPEN_REQUESTS}",
                "tfserving_gpu:busy:ratio",
                f"< {limits.GPU_BUSY}",
            ),
            severity="warning",
            summary=f"{_INSTANCE} has requests open, but the busiest GPU of its node works only "
            f"{_PERCENT} of the time.",
            description="These are means: bursts of requests with pauses look the same. A capture "
            "shows what the GPU waits for.",
            findings=(
                "preprocessing-in-graph",
                "batch-timeout-dominates",
                "ingress-heavy",
                "transfer-bound",
                "launch-bound",
                "bursty-arrivals",
            ),
            limits={"GPU busy": limits.GPU_BUSY, "open requests, mean": limits.OPEN_REQUESTS},
            gpu=True,
        ),
        Alert(
            name="TFServingCPUThrottled",
            expr=_joined(
                f"tfserving_instance:requests:rate{{{ON_A_NODE}}}",
                "tfserving_container:cpu_throttled:ratio",
                f"> {limits.THROTTLED}",
                "namespace",
                "pod",
            ),
            severity="warning",
            summary=f"{_INSTANCE}: a container was throttled by its CPU limit in {_PERCENT} of the "
            "scheduling periods.",
            description="While it is throttled, all requests wait. Raise the CPU limit or lower "
            "the load. Run the command on the server's machine, or add --agent: otherwise diag "
            "cannot read the limit.",
            findings=("cpu-throttled", "cpu-oversubscribed"),
            limits={"throttled periods": limits.THROTTLED},
        ),
        Alert(
            name="TFServingGPUClockLimited",
            expr=_joined(
                f"tfserving_instance:requests:rate{{{ON_A_NODE}}}",
                "tfserving_gpu:clock_limited:ratio",
                f">= {limits.CLOCK_LIMITED}",
            ),
            severity="warning",
            summary=f"{_INSTANCE}: power or heat limits the clock of a GPU of its node in "
            f"{_PERCENT} of the samples.",
            description="Kernels run slower. Check temperature, fans and the power limit on the "
            "node: nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER. Then run the command.",
            findings=("gpu-throttled", "kernel-time-unstable"),
            limits={"samples with a limited clock": limits.CLOCK_LIMITED},
            gpu=True,
        ),
    )


def _joined(server: str, exporter: str, condition: str, *more: str) -> str:
    """The largest value of an exporter's series on the node of each such server."""
    labels = ", ".join((NODE, *more))
    return (
        f"0 * ({server})\n  + on ({labels}) group_left ()\n"
        f"    max by ({labels}) ({exporter}) {condition}"
    )
