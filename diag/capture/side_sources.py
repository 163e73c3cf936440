"""SideSources: everything that is recorded in addition to the trace, over the same window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.capture.plan import AUTO, SECOND
from diag.capture.samplers.dcgm.reader import DcgmReader, find_dcgm
from diag.capture.samplers.host.reader import HostReader
from diag.capture.samplers.nvml import open_gpu_reader
from diag.capture.samplers.process_names import with_process_names
from diag.capture.samplers.remote.sampling import AgentSampling
from diag.capture.samplers.sampler import Sampler
from diag.capture.samplers.stacks import StackSampling, find_stacks
from diag.capture.samplers.status_probe import StatusProbe
from diag.capture.server.http_page import Page
from diag.capture.server.local_server import find_local_server
from diag.capture.server.metrics_page import (
    MetricsPage,
    count_increase,
    find_metrics,
    samples_of,
    scrape,
)
from diag.capture.server.model_status import read_server, read_status
from diag.formats.text.samples import writable
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries, ServedModel

if TYPE_CHECKING:
    from types import TracebackType

    from diag.capture.plan import CapturePlan
    from diag.capture.samplers.reader import Reader
    from diag.capture.server.connection import Connection
    from diag.model.samples import ServerInfo


class SideSources:
    """Samples, metrics and model status; a context manager that ends whatever still runs.

    Construct it to find the sources, call ``start`` before and ``stop`` after the recording. After
    ``stop``, ``series`` and ``pages`` hold the results.

    Attributes:
        agent: Samples host and GPUs instead of this process; None if the plan names no agent.
        local: The server's process on this machine, or why the server is not on this machine.
        metrics: The server's metrics page, or why there is none.
        server: Models, signatures and batching parameters of the server.
        series: Samples by source (``host``, ``gpu``, and ``dcgm`` and ``probe`` if the plan has
            them).
        pages: The metrics page ``before`` and ``after`` the recording.
        stacks: The samples of a Python program's stacks, or why there are none; None of a model
            server, which runs no Python.
        details: Short description of what is read, by source.
        model_changes: How model versions or their states changed during the recording, or "".
    """

    def __init__(self, connection: Connection, plan: CapturePlan) -> None:
        """Find the sources.

        Args:
            connection: To the server.
            plan: Says which sources to use.

        Raises:
            UsageError: A certificate or key file for the agent cannot be used.
        """
        self._connection = connection
        self._plan = plan
        self.local = find_local_server(connection.target)
        self.agent: AgentSampling | None = None
        self.metrics = find_metrics(connection, plan)
        names = self.metrics.models if isinstance(self.metrics, MetricsPage) else ()
        self.server: ServerInfo = read_server(connection, {*plan.models, *names}, plan)
        self.series: dict[str, SampleSeries | Unavailable] = {}
        self.pages: dict[str, Page | Unavailable] = {}
        self.stacks: bytes | Unavailable | None = None
        self._stack_sampling: StackSampling | None = None
        self.details: dict[str, str] = {}
        self.model_changes = ""
        self._samplers: dict[str, Sampler] = {}
        self._exporters: dict[str, str] = {}
        for source, reader in self._readers().items():
            self._add(source, reader)
        if isinstance(self.metrics, MetricsPage):
            self.details["metrics"] = self.metrics.url
        if plan.stacks != AUTO or not self.is_model_server:
            found = find_stacks(connection.target, plan)
            if isinstance(found, Unavailable):
                self.stacks = found
            else:
                self._stack_sampling, self.details["stacks"] = found, found.url
        if plan.agent is not None:
            self.agent = AgentSampling(
                plan.agent,
                {"gpu": SECOND // plan.gpu_rate_hz},
                plan.timeout_ns,
                connection.interrupts,
            )
            self.series |= self.agent.series
            self.details |= self.agent.details

    def _readers(self) -> dict[str, Reader | Unavailable]:
        """The sources that this process samples itself."""
        plan, local = self._plan, self.local
        readers: dict[str, Reader | Unavailable] = {}
        if plan.agent is None:
            if isinstance(local, Unavailable):
                readers |= {"host": local, "gpu": local}
            else:
                gpus = open_gpu_reader(SECOND // plan.gpu_rate_hz)
                readers |= {"host": HostReader(local), "gpu": with_process_names(gpus, local.pid)}
        if plan.dcgm:
            readers["dcgm"] = find_dcgm(self._connection.target, plan, local)
        if plan.probe:
            models = self.server.models
            readers["probe"] = (
                Unavailable(f"no model whose status can be asked for: {models.reason}")
                if isinstance(models, Unavailable)
                else StatusProbe(self._connection, models[0].name)
            )
        return readers

    def _add(self, source: str, reader: Reader | Unavailable) -> None:
        if isinstance(reader, Unavailable):
            self.series[source] = reader
            return
        self._samplers[source] = Sampler(reader)
        self.details[source] = reader.detail
        if isinstance(reader, DcgmReader):
            self._exporters[source] = reader.taken_by

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
        if self._stack_sampling is not None:
            self._stack_sampling.close()
        if self.agent is not None:
            self.agent.close()

    def start(self) -> None:
        """Read the metrics page, then start sampling."""
        self.pages["before"] = self._page()
        if self._stack_sampling is not None:
            self._stack_sampling.start()
        for sampler in self._samplers.values():
            sampler.start()
        if self.agent is not None:
            self.agent.start()

    def stop(self) -> None:
        """Stop sampling, then read the metrics page and the model status again."""
        if self._stack_sampling is not None:
            self.stacks = self._stack_sampling.stop()
        for source, sampler in self._samplers.items():
            series = sampler.stop()
            if isinstance(series, SampleSeries) and source in self._exporters:
                series = replace(series, taken_by=self._exporters[source])
            self.series[source] = series
        if self.agent is not None:
            self.agent.stop()
            self.series |= self.agent.series
        self.pages["after"] = self._page()
        self.series = {
            source: series if isinstance(series, Unavailable) else writable(series)
            for source, series in self.series.items()
        }
        self.model_changes = self._changes_of_models()

    @property
    def is_model_server(self) -> bool:
        """Whether the process said so: by its metrics page, or by the status of a model."""
        known = (self.metrics, self.server.models)
        return not all(isinstance(each, Unavailable) for each in known)

    def _changes_of_models(self) -> str:
        """What changed since the start, as "m: 1 AVAILABLE → 2 AVAILABLE"; "" if nothing did."""
        before = self.server.models
        if isinstance(before, Unavailable):
            return ""
        changes = []
        for name in sorted({model.name for model in before}):
            then = tuple(model for model in before if model.name == name)
            now = read_status(self._connection, name, self._plan.timeout_ns)
            if not isinstance(now, tuple):
                return ""
            if now != then:
                changes.append(f"{name}: {_versions(then)} → {_versions(now)}")
        return "; ".join(changes)

    def _page(self) -> Page | Unavailable:
        if isinstance(self.metrics, Unavailable):
            return self.metrics
        return scrape(self.metrics.url, self._plan)

    def requests_counted(self) -> int | Unavailable:
        """By how much the server's request_count rose, over all models and outcomes."""
        if isinstance(self.metrics, Unavailable):
            return self.metrics
        before, after = (
            page if isinstance(page, Unavailable) else samples_of(page, self.metrics.url)
            for page in (self.pages["before"], self.pages["after"])
        )
        if isinstance(before, Unavailable):
            return before
        return after if isinstance(after, Unavailable) else count_increase(before, after)

    @property
    def refused_calls(self) -> int:
        """Calls of this capture that the server refused because its gRPC threads were in use."""
        return self._connection.refused

    def missing(self) -> dict[str, str]:
        """Reason by source, for each source that is missing or incomplete so far."""
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
        """Duration of the longest reading in ns, by source that was read."""
        pages = [page for page in self.pages.values() if isinstance(page, Page)]
        longest = {
            source: sampler.read_max_ns
            for source, sampler in self._samplers.items()
            if not isinstance(self.series.get(source), Unavailable)
        }
        if self.agent is not None:
            longest |= self.agent.reading_ns()
        if len(pages) == 2:
            longest["metrics"] = max(page.received_unix_ns - page.sent_unix_ns for page in pages)
        return longest


def _versions(models: tuple[ServedModel, ...]) -> str:
    return ", ".join(f"{model.version} {model.state}" for model in models) or "no version"
