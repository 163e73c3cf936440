"""What is recorded of requests and their latency, by server, model and API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.text.serving_metrics import REQUEST_COUNT, REQUEST_LATENCY, RUNTIME_LATENCY
from diag.monitoring.load import OK, REFUSED, SAME_COUNT
from diag.monitoring.prometheus.promql import (
    INFERENCES,
    OF_REQUESTS,
    OF_RUNS,
    PROBES,
    SUM_MIN_STEPS,
    Series,
    known_rate,
    printed_step,
    sum_without,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.monitoring.prometheus.timing import Timing

_REFUSED = f'status=~"{"|".join(REFUSED)}"'
_FAILED = f'status!~"{"|".join((OK, *REFUSED))}"'


def request_series(timing: Timing) -> Iterator[Series]:
    """Rates of requests, answers and failures; probes apart."""
    window = timing.window
    yield Series(
        "tfserving_api:answers:rate",
        f"rate({REQUEST_LATENCY}_count{{{INFERENCES}}}[{window}])",
        "requests/s",
        "OK answers by API and entry point (gRPC or REST).",
    )
    yield Series(
        "tfserving_model:answers:rate",
        "sum without (API, entrypoint) (tfserving_api:answers:rate)",
        "requests/s",
        "OK answers.",
    )
    yield Series(
        "tfserving_model:probes:rate",
        sum_without(f"rate({REQUEST_LATENCY}_count{{{PROBES}}}[{window}])", OF_REQUESTS),
        "requests/s",
        "Status and metadata requests, such as probes, that were answered OK.",
    )
    yield Series(
        "tfserving_model:counted:rate",
        sum_without(f"rate({REQUEST_COUNT}[{window}])", ("status",)),
        "requests/s",
        "All that the server counts, probes as well.",
    )
    yield Series(
        "tfserving_model:requests:rate",
        "clamp_min(tfserving_model:counted:rate - tfserving_model:probes:rate, 0)\n"
        "  or tfserving_model:counted:rate",
        "requests/s",
        "All answers to inferences, with failures and without probes.",
    )
    yield Series(
        "tfserving_instance:requests:rate",
        "sum without (model_name) (tfserving_model:requests:rate)",
        "requests/s",
        "The same of all models of a server.",
    )
    for name, matcher, meaning in (
        ("refused", _REFUSED, "Share of UNAVAILABLE and RESOURCE_EXHAUSTED."),
        ("failed", _FAILED, "Share of the other failures."),
    ):
        counted = sum_without(f"rate({REQUEST_COUNT}{{{matcher}}}[{window}])", ("status",))
        yield Series(
            f"tfserving_model:{name}:ratio",
            f"({counted}\n  or 0 * tfserving_model:requests:rate)\n"
            "  / (tfserving_model:requests:rate > 0)",
            "ratio",
            f"{meaning} Latency does not include these requests.",
        )


def latency_series(timing: Timing) -> Iterator[Series]:
    """Percentiles and means of OK answers, and how many are open at a time."""
    buckets = f"rate({REQUEST_LATENCY}_bucket{{{INFERENCES}}}[{timing.window}])"
    for percent, ratio in ((50, 0.5), (99, 0.99)):
        yield Series(
            f"tfserving_api:request_seconds:p{percent}",
            f"histogram_quantile({ratio}, {buckets}) / 1e6",
            "s",
            f"p{percent} by API: within a bucket, and buckets grow by 1.8.",
        )
        yield Series(
            f"tfserving_model:request_seconds:p{percent}",
            f"histogram_quantile({ratio}, {sum_without(buckets, OF_REQUESTS)}) / 1e6",
            "s",
            f"p{percent} of OK answers, from the handler's begin to its end: within a bucket, and "
            "buckets grow by 1.8.",
        )
    yield Series(
        "tfserving_model:open_requests:mean",
        f"{known_rate(REQUEST_LATENCY, timing, OF_REQUESTS, INFERENCES)} / 1e6",
        "requests",
        "Requests open at a time: their time over the time that passed (Little's law). OK answers "
        "only.",
    )
    yield Series(
        "tfserving_instance:open_requests:mean",
        "sum without (model_name) (tfserving_model:open_requests:mean)",
        "requests",
        "The same of all models of a server.",
    )
    yield Series(
        "tfserving_model:open_runs:mean",
        f"{known_rate(RUNTIME_LATENCY, timing, OF_RUNS, INFERENCES)} / 1e6",
        "requests",
        "Open requests that are in Session::Run or in a batching queue, mean.",
    )
    yield Series(
        "tfserving_model:runs:rate",
        sum_without(f"rate({RUNTIME_LATENCY}_count{{{INFERENCES}}}[{timing.window}])", OF_RUNS),
        "runs/s",
        "Session::Run, with those of warm-ups.",
    )
    yield Series(
        "tfserving_model:request_seconds:mean",
        "tfserving_model:open_requests:mean / (tfserving_model:answers:rate > 0)",
        "s",
        "Mean of OK answers, from the handler's begin to its end.",
    )
    yield Series(
        "tfserving_model:runtime_seconds:mean",
        "tfserving_model:open_runs:mean / (tfserving_model:runs:rate > 0)",
        "s",
        "Mean of Session::Run, with the time in the batching queue.",
    )
    yield Series(
        "tfserving_model:outside_runtime_seconds:mean",
        "(tfserving_model:request_seconds:mean - tfserving_model:runtime_seconds:mean)\n"
        "  and abs(tfserving_model:runs:rate / tfserving_model:answers:rate - 1) "
        f"<= {SAME_COUNT - 1:.2g}\n"
        "  and (tfserving_model:open_requests:mean - tfserving_model:open_runs:mean) * "
        f"{timing.window_s * 1e6:g}\n"
        f"    >= {SUM_MIN_STEPS} * ({printed_step(REQUEST_LATENCY, OF_REQUESTS, INFERENCES)}\n"
        f"      + {printed_step(RUNTIME_LATENCY, OF_RUNS, INFERENCES)})",
        "s",
        "Request minus runtime: decoding and encoding of tensors. Missing where warm-ups were "
        "counted, or where the page prints too few digits.",
    )
