"""Finds the server's Prometheus page and reads it.

A URL from the user is used as it is. The page on the default port could belong to another server;
it is used only if its models have the same versions over REST as over gRPC.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from diag.capture.plan import AUTO, OFF, SECOND
from diag.capture.server.http_page import Page, read_page
from diag.capture.server.model_status import read_status
from diag.errors import MetricsParseError
from diag.formats.text.prometheus import declared_names, parse_metrics
from diag.formats.text.serving_metrics import MODEL_LABEL, REQUEST_COUNT, inferences
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.plan import CapturePlan
    from diag.capture.server.connection import Connection
    from diag.model.samples import MetricSample

# The path of TensorFlow Serving's documentation (config/monitoring_config.proto).
METRICS_PATH = "/monitoring/prometheus/metrics"
GUESS_TIMEOUT_NS = 2 * SECOND


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """The server's metrics page.

    Attributes:
        url: Its URL.
        models: Models whose requests it counts.
    """

    url: str
    models: tuple[str, ...]


def find_metrics(connection: Connection, plan: CapturePlan) -> MetricsPage | Unavailable:
    """The server's metrics page, or why there is none.

    Args:
        connection: To the server.
        plan: Has the URL, ``auto`` or ``off``.
    """
    if plan.metrics == OFF:
        return Unavailable("switched off for this capture")
    if plan.metrics != AUTO:
        samples = read_metrics(plan.metrics, plan)
        if isinstance(samples, Unavailable):
            return samples
        return MetricsPage(plan.metrics, model_names(samples))
    base = _default_base(connection, plan)
    if isinstance(base, Unavailable):
        return base
    page = scrape(base + METRICS_PATH, plan)
    if isinstance(page, Unavailable):
        return page
    samples = samples_of(page, base + METRICS_PATH)
    if isinstance(samples, Unavailable):
        return samples
    names = model_names(samples)
    if not names and REQUEST_COUNT not in declared_names(page.body):
        doubt = "it has no request_count, so it cannot be matched to this server"
    else:
        doubt = _doubt(connection, plan, base, names)
    if doubt:
        return Unavailable(
            f"{base} is not used: {doubt}; if the page is this server's, capture with its URL"
        )
    return MetricsPage(base + METRICS_PATH, names)


def _default_base(connection: Connection, plan: CapturePlan) -> str | Unavailable:
    """URL of the default REST port on the same address, thus on the same replica."""
    target = connection.target
    if target.family == socket.AF_UNIX:
        return Unavailable("no URL was given, and a UNIX socket has no HTTP address")
    host = f"[{target.address}]" if target.family == socket.AF_INET6 else target.address
    return f"http://{host}:{plan.rest_port}"


def read_metrics(url: str, plan: CapturePlan) -> tuple[MetricSample, ...] | Unavailable:
    """Read a page and parse its samples; or why that failed."""
    page = scrape(url, plan)
    return page if isinstance(page, Unavailable) else samples_of(page, url)


def samples_of(page: Page, url: str) -> tuple[MetricSample, ...] | Unavailable:
    """Parse the samples of a page, or say why it has none."""
    try:
        return parse_metrics(page.body.decode("utf-8", "replace"))
    except MetricsParseError as exc:
        return Unavailable(f"{url} is not Prometheus text: {exc.message}")


def scrape(url: str, plan: CapturePlan) -> Page | Unavailable:
    """Read a page with the plan's TLS options and limits; a guessed URL gets at most 2 s."""
    limit_ns = GUESS_TIMEOUT_NS if plan.metrics == AUTO else plan.timeout_ns
    timeout_s = min(limit_ns, plan.timeout_ns) / SECOND
    return read_page(url, timeout_s, plan.tls.ca_cert if plan.tls else None)


def model_names(samples: tuple[MetricSample, ...]) -> tuple[str, ...]:
    """Names of the models whose requests the page counts, sorted."""
    names = {
        value
        for sample in samples
        if sample.name == REQUEST_COUNT
        for key, value in sample.labels
        if key == MODEL_LABEL and value
    }
    return tuple(sorted(names))


def count_increase(
    before: tuple[MetricSample, ...], after: tuple[MetricSample, ...]
) -> int | Unavailable:
    """By how many inferences request_count rose, or why that is unknown."""
    late, early = inferences(after), inferences(before)
    if isinstance(late, Unavailable):
        return late
    rise = round(late - (0.0 if isinstance(early, Unavailable) else early))
    return rise if rise >= 0 else Unavailable("it fell, so the server was restarted")


def _doubt(connection: Connection, plan: CapturePlan, base: str, names: tuple[str, ...]) -> str:
    """Why the page may belong to another server, or ""."""
    if not names:
        return "it counts no requests yet, so it cannot be matched to this server"
    for name in names:
        by_grpc = read_status(connection, name, plan.timeout_ns)
        if isinstance(by_grpc, Unavailable):
            return f"it counts requests of model {name}, and gRPC reports: {by_grpc.reason}"
        by_rest = _rest_versions(plan, base, name)
        if isinstance(by_rest, Unavailable):
            return by_rest.reason
        if by_rest != {(model.version, model.state) for model in by_grpc}:
            return f"model {name} has other versions over REST than over gRPC"
    return ""


def _rest_versions(plan: CapturePlan, base: str, name: str) -> set[tuple[int, str]] | Unavailable:
    """Versions and states that ``/v1/models/NAME`` reports."""
    url = f"{base}/v1/models/{quote(name, safe='')}"
    page = scrape(url, plan)
    if isinstance(page, Unavailable):
        return page
    try:
        document: Any = json.loads(page.body)
        return {(int(each["version"]), each["state"]) for each in document["model_version_status"]}
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        return Unavailable(f"{url} is not a model status: {exc}")
