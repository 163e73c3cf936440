"""What the dashboard of Grafana draws: panels in rows."""

from __future__ import annotations

from dataclasses import dataclass

from diag.monitoring.prometheus import limits
from diag.monitoring.prometheus.limits import Limit
from diag.monitoring.prometheus.promql import NODE

_INSTANCE = '{instance=~"$instance"}'
_MODEL = '{instance=~"$instance",model_name=~"$model"}'
# What --enable_batching counts has no label of the model.
_QUEUE = '{instance=~"$instance",model_name=~"$model|"}'
_FIRING = '{alertname=~"TFServing.*",alertstate="firing",instance=~"$instance"}'
_SERVED = f" and on ({NODE}) tfserving_instance:requests:rate{_INSTANCE}"
_BY_MODEL = "{{model_name}} {{instance}}"
_BY_API = "{{model_name}} {{API}} {{entrypoint}} {{instance}}"
_BY_GPU = f"{{{{{NODE}}}}} GPU {{{{gpu}}}}"


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart over time.

    Attributes:
        title: What it shows.
        description: What it lacks.
        unit: By its id in Grafana.
        queries: PromQL and legend of each.
        limit: Drawn as a line: where the alert begins.
    """

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    limit: Limit | None = None


ROWS: dict[str, tuple[Panel, ...]] = {
    "Requests": (
        Panel(
            "Requests",
            "All answers to inferences, with failures. Probes are drawn apart; request_count "
            "holds both.",
            "reqps",
            (
                (f"tfserving_model:requests:rate{_MODEL}", _BY_MODEL),
                (f"tfserving_model:probes:rate{_MODEL}", f"probes {_BY_MODEL}"),
            ),
        ),
        Panel(
            "OK answers by API",
            "Without failures.",
            "reqps",
            ((f"tfserving_api:answers:rate{_MODEL}", _BY_API),),
        ),
        Panel(
            "Refused and failed",
            "Share of all answers. What gRPC refuses for lack of a thread reaches no metric.",
            "percentunit",
            (
                (f"tfserving_model:refused:ratio{_MODEL}", f"refused {_BY_MODEL}"),
                (f"tfserving_model:failed:ratio{_MODEL}", f"failed {_BY_MODEL}"),
            ),
            limits.REFUSED_SHARE,
        ),
    ),
    "Latency": (
        Panel(
            "p50 and p99",
            "Of OK answers: the more requests fail, the better it looks. Buckets grow by 1.8, so "
            "that a percentile is up to 1.8 times lower or higher.",
            "s",
            (
                (f"tfserving_model:request_seconds:p50{_MODEL}", f"p50 {_BY_MODEL}"),
                (f"tfserving_model:request_seconds:p99{_MODEL}", f"p99 {_BY_MODEL}"),
            ),
            limits.P99,
        ),
        Panel(
            "p50 and p99 by API",
            "Of OK answers. Buckets grow by 1.8.",
            "s",
            (
                (f"tfserving_api:request_seconds:p50{_MODEL}", f"p50 {_BY_API}"),
                (f"tfserving_api:request_seconds:p99{_MODEL}", f"p99 {_BY_API}"),
            ),
        ),
        Panel(
            "Mean of request and runtime",
            "Runtime is Session::Run, with the time in the batching queue.",
            "s",
            (
                (f"tfserving_model:request_seconds:mean{_MODEL}", f"request {_BY_MODEL}"),
                (f"tfserving_model:runtime_seconds:mean{_MODEL}", f"runtime {_BY_MODEL}"),
            ),
        ),
        Panel(
            "Request minus runtime",
            "Decoding and encoding of tensors. Missing where warm-ups were counted, or where the "
            "page prints too few digits of its sums.",
            "s",
            ((f"tfserving_model:outside_runtime_seconds:mean{_MODEL}", _BY_MODEL),),
        ),
        Panel(
            "Open requests",
            "Mean number at a time: time of requests over time that passed. OK answers only.",
            "none",
            (
                (f"tfserving_model:open_requests:mean{_MODEL}", f"open {_BY_MODEL}"),
                (f"tfserving_model:open_runs:mean{_MODEL}", f"in the runtime {_BY_MODEL}"),
                (f"tfserving_batches:queued_requests:mean{_QUEUE}", f"queued {_BY_MODEL}"),
            ),
        ),
    ),
    "Batching (of all models together with --enable_batching)": (
        Panel(
            "Mean wait in the queue",
            "From a request's arrival in the queue to the begin of its batch.",
            "s",
            ((f"tfserving_batches:queue_seconds:mean{_QUEUE}", _BY_MODEL),),
        ),
        Panel(
            "Queue share of the runtime",
            "Missing where requests are split, as their parts count several times.",
            "percentunit",
            ((f"tfserving_batches:queue_share:ratio{_QUEUE}", _BY_MODEL),),
            limits.QUEUE_SHARE,
        ),
        Panel(
            "Batches",
            "Batches that were run.",
            "ops",
            ((f"tfserving_batches:batches:rate{_QUEUE}", _BY_MODEL),),
        ),
        Panel(
            "Requests and rows in a batch",
            "Means; rows without padding.",
            "none",
            (
                (f"tfserving_batches:requests_per_batch:ratio{_QUEUE}", f"requests {_BY_MODEL}"),
                (f"tfserving_batches:rows_per_batch:mean{_QUEUE}", f"rows {_BY_MODEL}"),
            ),
        ),
        Panel(
            "Batch fill",
            "Rows over max_batch_size. With --enable_batching the page does not have the limit: "
            "add the rule in docs/monitoring/README.md.",
            "percentunit",
            ((f"tfserving_batches:fill:ratio{_QUEUE}", _BY_MODEL),),
        ),
        Panel(
            "Padding",
            "Share of the executed rows.",
            "percentunit",
            ((f"tfserving_batches:padding:ratio{_QUEUE}", _BY_MODEL),),
        ),
    ),
    f"Machines (joined by the label {NODE})": (
        Panel(
            "GPU busy",
            "By a DCGM exporter, whoever uses the GPU.",
            "percentunit",
            ((f"tfserving_gpu:busy:ratio{_SERVED}", _BY_GPU),),
            limits.GPU_BUSY,
        ),
        Panel(
            "GPU clock limited by power or heat",
            "Share of the samples. The exporter's default list lacks the field.",
            "percentunit",
            ((f"tfserving_gpu:clock_limited:ratio{_SERVED}", _BY_GPU),),
            limits.CLOCK_LIMITED,
        ),
        Panel(
            "CPU throttled",
            "Share of the scheduling periods in which a container was stopped, by cAdvisor.",
            "percentunit",
            (
                (
                    f"tfserving_container:cpu_throttled:ratio{_SERVED}",
                    f"{{{{{NODE}}}}} {{{{pod}}}} {{{{container}}}} {{{{name}}}}",
                ),
            ),
            limits.THROTTLED,
        ),
    ),
}
ALERTS = Panel(
    "Firing alerts",
    "Each names a page of findings and the command to run.",
    "none",
    (
        (
            f"count by (alertname, instance) (ALERTS{_FIRING})",
            "{{alertname}} {{instance}}",
        ),
    ),
)


def panels() -> tuple[Panel, ...]:
    """All panels, in order."""
    return (ALERTS, *(panel for row in ROWS.values() for panel in row))
