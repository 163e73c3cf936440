"""DcgmReader: scrapes the page of a DCGM exporter during the recording.

The exporter collects at its own interval and repeats the page in between. The page does not contain
the interval. The default is 30 s (dcgm-exporter, ``--collect-interval``, 30000 ms), so a short
recording often sees only one collection. The analysis derives the interval from changes of values.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from diag.capture.plan import SECOND
from diag.capture.samplers.dcgm.fields import FIELDS
from diag.capture.samplers.dcgm.page import (
    NO_HOST,
    DeviceKey,
    HostPage,
    TooManySeriesError,
    fields_of,
    read_hosts,
)
from diag.capture.server.http_page import Page, read_page
from diag.capture.server.local_server import LocalServer
from diag.errors import MetricsParseError
from diag.formats.text.samples import DEVICES_MAX
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from diag.capture.plan import CapturePlan
    from diag.capture.server.target import Target
    from diag.model.samples import SampledDevice

# 0.5 s would see each collection at an interval of 1 s; a shorter period dates it better.
DCGM_PERIOD_NS = 200_000_000
# A page of 8 GPUs with all counters enabled has about 150 kB.
PAGE_MAX_BYTES = 4 << 20
# Less than the time for which the sampler waits for a last reading.
SCRAPE_TIMEOUT_S = 0.9
# Exporters reject scrapes in quick succession (503); some failures are harmless.
FAILURES_MAX = 3
COLLECTED_AGE = "collected_age_ns"
_DAY_NS = 86_400 * SECOND  # a greater age means that a clock is wrong
_HOST_MAX_CHARACTERS = 256
_BLANK = "blank or out of range"
_METRICS = {field.name: field.metrics[0] for field in FIELDS}


def open_dcgm_reader(
    url: str, server_names: Iterable[str], timeout_s: float, ca_cert: Path | None = None
) -> DcgmReader | Unavailable:
    """Open a reader of an exporter's page, or say why there is none.

    Args:
        url: URL of the page, checked.
        server_names: Names and addresses of the server's machine; on a page with several hosts,
            only the GPUs of this machine are read.
        timeout_s: Time allowed for the first page.
        ca_cert: Certificate authority for https; None trusts the system's authorities.
    """
    hosts = _hosts_of(read_page(url, timeout_s, ca_cert, max_bytes=PAGE_MAX_BYTES), url)
    if isinstance(hosts, Unavailable):
        return hosts
    host = _own_host(hosts, server_names)
    if isinstance(host, Unavailable):
        return Unavailable(f"{url} {host.reason}")
    page = hosts[host]
    if len(page.devices) > DEVICES_MAX:
        return Unavailable(f"{url} has {len(page.devices):,} GPUs, more than {DEVICES_MAX:,}")
    if not fields_of(page):
        return Unavailable(f"{url} has no value of any GPU: DCGM marks all of them as blank")
    return DcgmReader(url, host, page, ca_cert)


def find_dcgm(
    target: Target, plan: CapturePlan, local: LocalServer | Unavailable
) -> DcgmReader | Unavailable:
    """Open a reader of the plan's exporter, or say why there is none.

    Args:
        target: The server's address.
        plan: Has the exporter's URL.
        local: Of ``find_local_server``.
    """
    names = [target.host, target.address]
    if isinstance(local, LocalServer):
        names.append(socket.gethostname())
    return open_dcgm_reader(
        plan.dcgm, names, plan.timeout_ns / SECOND, plan.tls.ca_cert if plan.tls else None
    )


class DcgmReader:
    """Reads the GPUs of one host; a Reader.

    Attributes:
        devices: GPUs in the order of the exporter's ``gpu`` label, each before its slices.
        taken_by: ``HOST:PORT`` of the exporter.
    """

    source = "dcgm"
    period_ns = DCGM_PERIOD_NS

    def __init__(self, url: str, host: str, page: HostPage, ca_cert: Path | None) -> None:
        """Use the devices and fields of a first page for all readings.

        Args:
            url: URL of the page.
            host: The ``Hostname`` to read, "" if the page has none.
            page: The first page's part of that host.
            ca_cert: As of ``http_page.read_page``.
        """
        self._url = url
        self._host = host
        self._ca_cert = ca_cert
        self._keys = page.ordered()
        self._failures = 0
        self._scrapes = 0
        self._lost = 0
        self._scraping_cpu_ns = 0
        fields = fields_of(page)
        self.devices: tuple[SampledDevice, ...] = tuple(page.devices[key] for key in self._keys)
        self.units: dict[str, str] = {field.name: field.unit for field in fields}
        if page.collected_unix_ns:
            self.units[COLLECTED_AGE] = "ns"
        self.missing: dict[str, str] = _missing(page, self._keys)
        self.taken_by = urlsplit(url).netloc.rpartition("@")[2]
        named = f" of {host[:_HOST_MAX_CHARACTERS]}" if host else ""
        self.detail = f"{len(self._keys)} GPUs and slices{named} by {self.taken_by}"

    def read(self) -> dict[str, Any]:
        """All fields of the current page; none if this one scrape failed.

        Raises:
            OSError: Several scrapes failed in a row.
        """
        self._scrapes += 1
        page = read_page(self._url, SCRAPE_TIMEOUT_S, self._ca_cert, max_bytes=PAGE_MAX_BYTES)
        if isinstance(page, Page):
            self._scraping_cpu_ns += page.cpu_ns
        hosts = _hosts_of(page, self._url)
        if isinstance(hosts, dict) and self._host in hosts and isinstance(page, Page):
            self._failures = 0
            return self._sample(hosts[self._host], page)
        gone = f"{self._url} no longer lists the GPUs of {self._host or 'its host'}"
        reason = hosts.reason if isinstance(hosts, Unavailable) else gone
        self._failures += 1
        self._lost += 1
        if self._failures >= FAILURES_MAX:
            raise OSError(reason)
        self.missing["page"] = f"{self._lost} of {self._scrapes} scrapes failed, the last: {reason}"
        return {}

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        """Always empty: the exporter keeps no history."""
        return []

    def background_cpu_ns(self) -> int:
        """CPU time of the threads that read the pages, in ns."""
        return self._scraping_cpu_ns

    def close(self) -> None:
        """No effect: no connection stays open between scrapes."""

    def _sample(self, host: HostPage, page: Page) -> dict[str, Any]:
        sample: dict[str, Any] = {
            name: [
                self._value(index, name, host.values[name].get(key))
                for index, key in enumerate(self._keys)
            ]
            for name in self.units
            if name in host.values
        }
        if COLLECTED_AGE in self.units:
            now_ns = (page.sent_unix_ns + page.received_unix_ns) // 2
            sample[COLLECTED_AGE] = [
                self._age(index, now_ns, host.collected_unix_ns.get(key))
                for index, key in enumerate(self._keys)
            ]
        return sample

    def _value(self, index: int, name: str, value: int | float | None) -> int | float | None:
        if value is None:
            metric = _METRICS[name]
            self.missing.setdefault(f"{index}:{name}", f"{metric} is {_BLANK} at times")
        return value

    def _age(self, index: int, now_ns: int, collected_unix_ns: int | None) -> int | None:
        if collected_unix_ns is None:
            return None
        age_ns = now_ns - collected_unix_ns
        if abs(age_ns) <= _DAY_NS:
            return age_ns
        reason = "the exporter's time stamps are more than a day from this machine's clock"
        self.missing.setdefault(f"{index}:{COLLECTED_AGE}", reason)
        return None


def _hosts_of(page: Page | Unavailable, url: str) -> dict[str, HostPage] | Unavailable:
    """Parse a page by host, or say why it is not an exporter's page."""
    if isinstance(page, Unavailable):
        return page
    try:
        hosts = read_hosts(page.body.decode("utf-8", "replace"))
    except MetricsParseError as exc:
        return Unavailable(f"{url} is not Prometheus text: {exc.message}")
    except TooManySeriesError as exc:
        return Unavailable(f"{url} {exc}")
    if not hosts:
        return Unavailable(
            f"{url} has no metric such as {FIELDS[0].metrics[0]}, so it is not a DCGM exporter"
        )
    return hosts


def _own_host(hosts: dict[str, HostPage], server_names: Iterable[str]) -> str | Unavailable:
    """The only host of the page, or the one of several that has a name of the server."""
    if len(hosts) == 1:
        return next(iter(hosts))
    for called in (str.lower, _short):
        wanted = {called(name) for name in server_names if name}
        found = [host for host in hosts if host != NO_HOST and called(host) in wanted]
        if len(found) == 1:
            return found[0]
    named = ", ".join(sorted(host[:_HOST_MAX_CHARACTERS] or "(unnamed)" for host in hosts)[:5])
    return Unavailable(
        f"has the GPUs of {len(hosts)} hosts ({named}), and none of them is known to be the "
        "server's: use the exporter of the server's own node"
    )


def _short(name: str) -> str:
    """A host name without its domain; an address unchanged."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().partition(".")[0]


def _missing(page: HostPage, keys: tuple[DeviceKey, ...]) -> dict[str, str]:
    """Reason by field, or by ``device:field``, for values that the exporter does not provide."""
    reasons: dict[str, str] = {}
    known = {field.name for field in fields_of(page)}
    for field in FIELDS:
        values = page.values.get(field.name, {})
        if not values:
            reasons[field.name] = f"the exporter does not have the metric {field.metrics[0]}"
        elif field.name not in known:
            reasons[field.name] = f"DCGM has no value of {field.metrics[0]}: {_BLANK} on every GPU"
        else:
            for index, key in enumerate(keys):
                if values.get(key) is None:
                    state = _BLANK if key in values else "missing"
                    reasons[f"{index}:{field.name}"] = f"{field.metrics[0]} is {state} for this GPU"
    return reasons
