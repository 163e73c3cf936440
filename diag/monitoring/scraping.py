"""Two scrapes: of a live page, or of two files with what curl wrote."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diag.capture.address import check_url
from diag.capture.server.http_page import read_page
from diag.errors import InputError, MetricsParseError, ServerUnreachableError
from diag.formats.limits import PART_MAX_BYTES
from diag.formats.regular_file import read_regular
from diag.formats.text.prometheus import parse_metrics
from diag.model.availability import Unavailable
from diag.monitoring.load import ServerLoad, read_load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diag.model.samples import MetricSample

_TIMEOUT_S = 10.0
_NO_TIME = Unavailable("the time between the two files is not known; give it with --interval")


def load_of_url(
    url: str,
    interval_s: float,
    *,
    ca_cert: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> ServerLoad:
    """Read a page twice.

    Args:
        url: Of the Prometheus page.
        interval_s: Between the two.
        ca_cert: Authority of the page's certificate; None for the system's.
        sleep: How to wait.

    Raises:
        UsageError: ``url`` is no URL of a page.
        ServerUnreachableError: The page cannot be read.
        MetricsParseError: It is no Prometheus text.
    """
    check_url(url, "url")
    started = time.monotonic()
    before = _scrape(url, ca_cert)
    sleep(interval_s)
    between_s = time.monotonic() - started
    after = _scrape(url, ca_cert)
    return read_load(before, after, between_s)


def load_of_files(
    before: Path | None, after: Path, interval_s: float | Unavailable = _NO_TIME
) -> ServerLoad:
    """The same of two files.

    Args:
        before: The earlier one; None counts from the server's start.
        after: The later one.
        interval_s: Between the two; without it, there are no rates.

    Raises:
        InputError: A file cannot be read.
        MetricsParseError: One is no Prometheus text.
    """
    return read_load(_file(before) if before else (), _file(after), interval_s)


def _scrape(url: str, ca_cert: Path | None) -> tuple[MetricSample, ...]:
    page = read_page(url, _TIMEOUT_S, ca_cert)
    if isinstance(page, Unavailable):
        raise ServerUnreachableError(
            page.reason,
            hint="check the URL; the page needs --rest_api_port and --monitoring_config_file with "
            "prometheus_config { enable: true }",
        )
    return _parsed(page.body, url)


def _file(path: Path) -> tuple[MetricSample, ...]:
    return _parsed(read_regular(path, PART_MAX_BYTES), str(path))


def _parsed(data: bytes, name: str) -> tuple[MetricSample, ...]:
    try:
        samples = parse_metrics(data.decode("utf-8", "replace"))
    except MetricsParseError as exc:
        raise MetricsParseError(f"{name}: {exc.message}", cause=exc.cause, hint=exc.hint) from exc
    if not samples:
        raise InputError(f"{name}: no metrics in it", hint="save the page with curl -s URL")
    return samples
