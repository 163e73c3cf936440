"""What an agent can sample: its own machine, and the server's process on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from diag.capture.samplers.host.reader import HOST_PERIOD_NS, HostReader
from diag.capture.samplers.nvml import GPU_PERIOD_NS, open_gpu_reader
from diag.capture.samplers.process_names import named
from diag.capture.samplers.remote.protocol import SOURCES
from diag.capture.server.local_server import find_server_process
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.samplers.sampler import Reader


# Shorter than a client waits for an answer: a driver that hangs must not cost the host's samples.
# Where a server uses the GPUs, the driver is loaded and answers at once.
_DRIVER_TIMEOUT_NS = 5_000_000_000


class SampleSources(Protocol):
    """Opens readers, one for each client that samples."""

    def open(self, source: str, period_ns: int) -> Reader | Unavailable:
        """A reader of the source, or why there is none.

        Args:
            source: One of ``protocol.SOURCES``.
            period_ns: How often it is to be read; 0 for the source's own period.
        """

    def server(self) -> str:
        """The server's process in a few words, or why it is not known."""


class MachineSources:
    """The sources of this machine, the very ones that a capture on it would have."""

    def __init__(self, server_port: int) -> None:
        """Prepare.

        Args:
            server_port: On which the server listens; it is looked for again whenever a reader is
                opened, so that a server may start and restart after the agent.
        """
        self._server_port = server_port

    def open(self, source: str, period_ns: int) -> Reader | Unavailable:
        """As ``Sources``."""
        if source == "host":
            return HostReader(find_server_process(self._server_port), period_ns or HOST_PERIOD_NS)
        if source == "gpu":
            reader = open_gpu_reader(period_ns or GPU_PERIOD_NS, _DRIVER_TIMEOUT_NS)
            return named(reader, find_server_process(self._server_port).pid)
        return Unavailable(f"there is no source {source!r}, only {' and '.join(SOURCES)}")

    def server(self) -> str:
        """As ``Sources``."""
        pid = find_server_process(self._server_port).pid
        return pid.reason if isinstance(pid, Unavailable) else f"the server is process {pid}"
