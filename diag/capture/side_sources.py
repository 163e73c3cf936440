"""Everything that is recorded beside the trace, over the same window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.capture.plan import SECOND
from diag.capture.samplers.dcgm.reader import DcgmReader, find_dcgm
from diag.capture.samplers.host.reader import HostReader
from diag.capture.samplers.nvml import open_gpu_reader
from diag.capture.samplers.process_names import named
from diag.capture.samplers.remote.sampling import AgentSampling
from diag.capture.samplers.sampler import Reader, Sampler
from diag.capture.server.http_page import Page
from diag.capture.server.local_server import LocalServer, find_local_server
from diag.capture.server.metrics_page import (
    MetricsSource,
    counted_between,
    find_metrics,
    samples_of,
    scrape,
)
from diag.capture.server.model_status import read_server, read_status
from diag.formats.text.samples import writable
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries

if TYPE_CHECKING:
    from types import TracebackType

    from diag.capture.plan import AgentAccess
    from diag.capture.server.connection import Connection
    from diag.model.samples import ServerInfo


class SideSources:
    """The sources beside the trace: found first, then started and stopped around the recording.

    A context manager: leaving it ends and lets go of whatever still runs.

    After ``stop``, ``series`` and ``pages`` hold what they gave.

    Attributes:
        agent: Takes the samples of host and GPUs instead of this process, if one was named.
        here: Whether the server runs on this machine.
        metrics: The server's metrics page, or why there is none.
        server: What the server says of its models.
        series: Samples by source (``host``, ``gpu``, and ``dcgm`` if it was asked for).
        pages: The metrics page ``before`` and ``after``.
        details: What each source reads, in a few words.
        models_changed: Whether a model's versions or their states changed over the recording.
    """

    def __init__(self, connection: Connection) -> None:
        """Find the sources.

        Raises:
            UsageError: The plan's metrics URL is none, or a file to reach the agent is unusable.
        """
        self._connection = connection
        self.local = local = find_local_server(connection.target)
        gpu_period_ns = SECOND // connection.plan.gpu_rate_hz
        self.agent: AgentSampling | None = None
        readers: dict[str, Reader | Unavailable] = (
            {}
            if connection.plan.agent
            else {
                "host": HostReader(local) if isinstance(local, LocalServer) else local,
                "gpu": named(open_gpu_reader(gpu_period_ns), local.pid)
                if isinstance(local, LocalServer)
                else local,
            }
        )
        if connection.plan.dcgm:
            readers["dcgm"] = find_dcgm(connection, local)
        self.metrics = find_metrics(connection)
        names = self.metrics.models if isinstance(self.metrics, MetricsSource) else ()
        self.server: ServerInfo = read_server(connection, {*connection.plan.models, *names})
        self.series: dict[str, SampleSeries | Unavailable] = {}
        self.pages: dict[str, Page | Unavailable] = {}
        self.details: dict[str, str] = {}
        self.models_changed = False
        self._samplers: dict[str, Sampler] = {}
        self._takers: dict[str, str] = {}
        for source, reader in readers.items():
            if isinstance(reader, Unavailable):
                self.series[source] = reader
            else:
                self._samplers[source] = Sampler(reader)
                self.details[source] = reader.detail
                if isinstance(reader, DcgmReader):
                    self._takers[source] = reader.taken_by
        if isinstance(self.metrics, MetricsSource):
            self.details["metrics"] = self.metrics.url
        if connection.plan.agent:
            self._ask_agent(connection.plan.agent)

    def _ask_agent(self, access: AgentAccess) -> None:
        plan = self._connection.plan
        periods_ns = {"gpu": SECOND // plan.gpu_rate_hz}
        self.agent = AgentSampling(access, periods_ns, plan.timeout_ns, self._connection.interrupts)
        self.series |= self.agent.series
        self.details |= self.agent.details

    def __enter__(self) -> SideSources:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for sampler in self._samplers.values():
            sampler.close()
        if self.agent is not None:
            self.agent.close()

    def start(self) -> None:
        """Read the metrics, then begin to sample."""
        self.pages["before"] = self._page()
        for sampler in self._samplers.values():
            sampler.start()
        if self.agent is not None:
            self.agent.start()

    def stop(self) -> None:
        """End sampling, then read metrics and model status again."""
        for source, sampler in self._samplers.items():
            series = sampler.stop()
            if isinstance(series, SampleSeries) and source in self._takers:
                series = replace(series, taken_by=self._takers[source])
            self.series[source] = series
        if self.agent is not None:
            self.agent.stop()
            self.series |= self.agent.series
        self.pages["after"] = self._page()
        self.series = {
            source: series if isinstance(series, Unavailable) else writable(series)
            for source, series in self.series.items()
        }
        before = self.server.models
        if isinstance(before, tuple):
            names = sorted({model.name for model in before})
            after = [read_status(self._connection, name) for name in names]
            known = [status for status in after if isinstance(status, tuple)]
            self.models_changed = len(known) == len(after) and before != tuple(
                model for status in known for model in status
            )

    def _page(self) -> Page | Unavailable:
        if isinstance(self.metrics, Unavailable):
            return self.metrics
        return scrape(self._connection, self.metrics.url)

    def requests_counted(self) -> int | Unavailable:
        """By how much the server's own request count rose, over all models and outcomes."""
        if isinstance(self.metrics, Unavailable):
            return self.metrics
        before, after = (
            page if isinstance(page, Unavailable) else samples_of(page, self.metrics.url)
            for page in (self.pages["before"], self.pages["after"])
        )
        if isinstance(before, Unavailable):
            return before
        return after if isinstance(after, Unavailable) else counted_between(before, after)

    def missing(self) -> dict[str, str]:
        """Reason by source for all that is not, or not completely, there so far."""
        candidates: dict[str, object] = {
            **self.series,
            "metrics": next(
                (page for page in self.pages.values() if isinstance(page, Unavailable)),
                self.metrics,
            ),
            "server": self.server.models,
        }
        return {
            source: found.reason
            for source, found in candidates.items()
            if isinstance(found, Unavailable)
        }

    def reading_ns(self) -> dict[str, int]:
        """How long one reading took at most, by source that was read."""
        pages = [page for page in self.pages.values() if isinstance(page, Page)]
        took = {
            source: sampler.read_max_ns
            for source, sampler in self._samplers.items()
            if not isinstance(self.series.get(source), Unavailable)
        }
        if self.agent is not None:
            took |= self.agent.reading_ns()
        if len(pages) == 2:
            took["metrics"] = max(page.received_unix_ns - page.sent_unix_ns for page in pages)
        return took
