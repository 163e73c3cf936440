"""Which Prometheus page belongs to the server, and what it says.

A page that was named is taken as it is. The default port is only trusted when the models it
counts have, by REST, the very versions that gRPC reports: it might be another server's.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from diag.capture.plan import METRICS_AUTO, METRICS_OFF, SECOND
from diag.capture.server.http_page import Page, check_url, read_page
from diag.capture.server.model_status import read_status
from diag.errors import MetricsParseError
from diag.formats.text.prometheus import parse_metrics
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.server.connection import Connection
    from diag.model.samples import MetricSample

# The path of TensorFlow Serving's documentation (config/monitoring_config.proto).
METRICS_PATH = "/monitoring/prometheus/metrics"
GUESS_TIMEOUT_NS = 2 * SECOND
# util/prometheus_exporter.cc turns every "/" of /tensorflow/serving/request_count into ":".
REQUEST_COUNT = ":tensorflow:serving:request_count"
MODEL_LABEL = "model_name"


@dataclass(frozen=True, slots=True)
class MetricsSource:
    """A page that is the server's.

    Attributes:
        url: Where it is.
        models: Names it counts requests of.
    """

    url: str
    models: tuple[str, ...]


def find_metrics(connection: Connection) -> MetricsSource | Unavailable:
    """The server's metrics page, or why there is none.

    Raises:
        UsageError: The plan's URL is none.
    """
    plan = connection.plan
    if plan.metrics == METRICS_OFF:
        return Unavailable("switched off with --metrics off")
    if plan.metrics != METRICS_AUTO:
        samples = read_metrics(connection, check_url(plan.metrics))
        if isinstance(samples, Unavailable):
            return samples
        return MetricsSource(plan.metrics, model_names(samples))
    base = default_base(connection)
    if isinstance(base, Unavailable):
        return base
    samples = read_metrics(connection, base + METRICS_PATH)
    if isinstance(samples, Unavailable):
        return samples
    names = model_names(samples)
    doubt = _doubt(connection, base, names)
    if doubt:
        return Unavailable(f"{base} is not used: {doubt}; give --metrics URL if it is this server")
    return MetricsSource(base + METRICS_PATH, names)


def default_base(connection: Connection) -> str | Unavailable:
    """Where REST is by default: on the same address, so behind a balancer the same replica."""
    target = connection.target
    if target.family == socket.AF_UNIX:
        return Unavailable("a UNIX socket tells no HTTP address; give --metrics URL")
    host = f"[{target.address}]" if target.family == socket.AF_INET6 else target.address
    return f"http://{host}:{connection.plan.rest_port}"


def read_metrics(connection: Connection, url: str) -> tuple[MetricSample, ...] | Unavailable:
    """The samples of a page, or why there are none."""
    page = scrape(connection, url)
    return page if isinstance(page, Unavailable) else samples_of(page, url)


def samples_of(page: Page, url: str) -> tuple[MetricSample, ...] | Unavailable:
    """The samples of a page that was read, or why it has none."""
    try:
        return parse_metrics(page.body.decode("utf-8", "replace"))
    except MetricsParseError as exc:
        return Unavailable(f"{url} is not Prometheus text: {exc.message}")


def scrape(connection: Connection, url: str) -> Page | Unavailable:
    """The page untouched, read as the plan says; a mere guess is not waited for long."""
    plan = connection.plan
    limit_ns = GUESS_TIMEOUT_NS if plan.metrics == METRICS_AUTO else plan.timeout_ns
    timeout_s = min(limit_ns, plan.timeout_ns) / SECOND
    return read_page(url, timeout_s, plan.tls.ca_cert if plan.tls else None)


def model_names(samples: tuple[MetricSample, ...]) -> tuple[str, ...]:
    """The models that TensorFlow Serving counts requests of, sorted."""
    names = {
        value
        for sample in samples
        if sample.name.startswith(REQUEST_COUNT)
        for key, value in sample.labels
        if key == MODEL_LABEL and value
    }
    return tuple(sorted(names))


def counted_between(
    before: tuple[MetricSample, ...], after: tuple[MetricSample, ...]
) -> int | Unavailable:
    """By how much the server's request count rose from one page to the next."""
    if not any(sample.name.startswith(REQUEST_COUNT) for sample in after):
        return Unavailable("it has no request_count")
    rise = round(request_count(after) - request_count(before))
    return rise if rise >= 0 else Unavailable("its request_count fell: it was started anew")


def request_count(samples: tuple[MetricSample, ...]) -> float:
    """Requests answered since the server started, over all models and outcomes."""
    return sum(sample.value for sample in samples if sample.name.startswith(REQUEST_COUNT))


def _doubt(connection: Connection, base: str, names: tuple[str, ...]) -> str:
    """Why the page might be another server's, or ""."""
    if not names:
        return "it counts no model's requests yet, so nothing ties it to this server"
    for name in names:
        by_grpc = read_status(connection, name)
        if isinstance(by_grpc, Unavailable):
            return f"it counts model {name}, of which gRPC says: {by_grpc.reason}"
        by_rest = _rest_versions(connection, base, name)
        if isinstance(by_rest, Unavailable):
            return by_rest.reason
        if by_rest != {(model.version, model.state) for model in by_grpc}:
            return f"model {name} has other versions there than by gRPC"
    return ""


def _rest_versions(
    connection: Connection, base: str, name: str
) -> set[tuple[int, str]] | Unavailable:
    """Version and state as ``/v1/models/NAME`` gives them."""
    url = f"{base}/v1/models/{quote(name, safe='')}"
    page = scrape(connection, url)
    if isinstance(page, Unavailable):
        return page
    try:
        document: Any = json.loads(page.body)
        return {(int(each["version"]), each["state"]) for each in document["model_version_status"]}
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        return Unavailable(f"{url} is no model status: {exc}")
