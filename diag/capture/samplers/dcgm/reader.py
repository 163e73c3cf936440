"""A DCGM exporter's page, scraped over the window; a ``sampling.Reader``.

The exporter collects at an interval of its own and repeats its page in between. The page does not
tell the interval: the default is 30 s (dcgm-exporter, ``--collect-interval``, 30000 ms), so a short
window often sees one collection only. Analysis derives it from when values change.
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
from diag.capture.server.http_page import Page, check_url, read_page
from diag.capture.server.local_server import LocalServer
from diag.errors import MetricsParseError
from diag.formats.text.samples import DEVICES_MAX
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from diag.capture.server.connection import Connection
    from diag.model.samples import SampledDevice

# Half of a usual short interval of 1 s would find each collection; finer tells better when.
DCGM_PERIOD_NS = 200_000_000
# Some 150 kB for 8 GPUs with every counter switched on.
PAGE_MAX_BYTES = 4 << 20
# Below the time the sampler waits for a last reading.
SCRAPE_TIMEOUT_S = 0.9
# Exporters turn scrapes away that come too close together (503); once in a while is no loss.
FAILURES_MAX = 3
COLLECTED_AGE = "collected_age_ns"
_DAY_NS = 86_400 * SECOND  # an age beyond it says that a clock is wrong, not when was collected
_HOST_MAX_CHARACTERS = 256
_BLANK = "blank or out of range"
_METRICS = {field.name: field.metrics[0] for field in FIELDS}


def open_dcgm_reader(
    url: str, server_names: Iterable[str], timeout_s: float, ca_cert: Path | None = None
) -> DcgmReader | Unavailable:
    """A reader of the exporter's page, or why there is none.

    Args:
        url: Of ``scrape.check_url``.
        server_names: What the server's machine is called: of a page with several hosts, only that
            one's GPUs count.
        timeout_s: For the first page.
        ca_cert: For https; None trusts the system's authorities.
    """
    hosts = _hosts_of(read_page(url, timeout_s, ca_cert, max_bytes=PAGE_MAX_BYTES), url)
    if isinstance(hosts, Unavailable):
        return hosts
    host = _own_host(hosts, server_names)
    if isinstance(host, Unavailable):
        return Unavailable(f"{url} {host.reason}")
    page = hosts[host]
    if len(page.devices) > DEVICES_MAX:
        return Unavailable(f"{url} names {len(page.devices):,} GPUs")
    if not fields_of(page):
        return Unavailable(f"{url} has no value for any GPU: DCGM calls all of them blank")
    return DcgmReader(url, host, page, ca_cert)


def find_dcgm(connection: Connection, local: LocalServer | Unavailable) -> DcgmReader | Unavailable:
    """The reader of the plan's exporter.

    Args:
        connection: To the server; its plan has the exporter's URL.
        local: Of ``find_local_server``.

    Raises:
        UsageError: The plan's URL is none.
    """
    plan = connection.plan
    names = [connection.target.host, connection.target.address]
    if isinstance(local, LocalServer):
        names.append(socket.gethostname())
    url = check_url(plan.dcgm, "--dcgm")
    return open_dcgm_reader(
        url, names, plan.timeout_ns / SECOND, plan.tls.ca_cert if plan.tls else None
    )


class DcgmReader:
    """Scrapes one host's GPUs.

    Attributes:
        devices: In the order of the exporter's ``gpu`` label, each GPU before its slices.
        taken_by: ``HOST:PORT`` of the exporter.
    """

    source = "dcgm"
    period_ns = DCGM_PERIOD_NS

    def __init__(self, url: str, host: str, page: HostPage, ca_cert: Path | None) -> None:
        """Take the devices and fields of a first page as those of all.

        Args:
            url: Where it is.
            host: The ``Hostname`` that counts, "" if the page names none.
            page: What it said of that host.
            ca_cert: As of ``scrape.read_page``.
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
        """What the exporter says now: all fields, or none if it did not answer this once.

        Raises:
            OSError: It did not answer several times in a row.
        """
        self._scrapes += 1
        page = read_page(self._url, SCRAPE_TIMEOUT_S, self._ca_cert, max_bytes=PAGE_MAX_BYTES)
        if isinstance(page, Page):
            self._scraping_cpu_ns += page.cpu_ns
        hosts = _hosts_of(page, self._url)
        if isinstance(hosts, dict) and self._host in hosts and isinstance(page, Page):
            self._failures = 0
            return self._sample(hosts[self._host], page)
        gone = f"{self._url} no longer names the GPUs of {self._host or 'its host'}"
        reason = hosts.reason if isinstance(hosts, Unavailable) else gone
        self._failures += 1
        self._lost += 1
        if self._failures >= FAILURES_MAX:
            raise OSError(reason)
        self.missing["page"] = f"{self._lost} of {self._scrapes} scrapes failed, the last: {reason}"
        return {}

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        """Nothing: the exporter keeps no history."""
        return []

    def background_cpu_ns(self) -> int:
        """Of the threads that read the pages."""
        return self._scraping_cpu_ns

    def close(self) -> None:
        """Nothing is held between scrapes."""

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
    """What a page says by host, or why it is no exporter's page."""
    if isinstance(page, Unavailable):
        return page
    try:
        hosts = read_hosts(page.body.decode("utf-8", "replace"))
    except MetricsParseError as exc:
        return Unavailable(f"{url} is not Prometheus text: {exc.message}")
    except TooManySeriesError as exc:
        return Unavailable(f"{url} {exc}")
    if not hosts:
        return Unavailable(f"{url} has no {FIELDS[0].metrics[0]} or the like: no DCGM exporter")
    return hosts


def _own_host(hosts: dict[str, HostPage], server_names: Iterable[str]) -> str | Unavailable:
    """The one host of the page, or of several the one that is called as the server is."""
    if len(hosts) == 1:
        return next(iter(hosts))
    for called in (str.lower, _short):
        wanted = {called(name) for name in server_names if name}
        found = [host for host in hosts if host != NO_HOST and called(host) in wanted]
        if len(found) == 1:
            return found[0]
    named = ", ".join(sorted(host[:_HOST_MAX_CHARACTERS] or "(unnamed)" for host in hosts)[:5])
    return Unavailable(
        f"has the GPUs of {len(hosts)} hosts ({named}), and which is the server's cannot be told: "
        "name the exporter of the server's own node"
    )


def _short(name: str) -> str:
    """A host's name without its domain; an address as it is."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().partition(".")[0]


def _missing(page: HostPage, keys: tuple[DeviceKey, ...]) -> dict[str, str]:
    """Reason by field, or by device and field, for what the exporter does not give."""
    reasons: dict[str, str] = {}
    known = {field.name for field in fields_of(page)}
    for field in FIELDS:
        values = page.values.get(field.name, {})
        if not values:
            reasons[field.name] = f"not among the exporter's metrics: {field.metrics[0]}"
        elif field.name not in known:
            reasons[field.name] = f"DCGM has no value of {field.metrics[0]}: {_BLANK} on every GPU"
        else:
            for index, key in enumerate(keys):
                if values.get(key) is None:
                    state = _BLANK if key in values else "not given"
                    reasons[f"{index}:{field.name}"] = f"{field.metrics[0]} is {state} here"
    return reasons
