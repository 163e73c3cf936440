"""The sources that an agent can sample: its own machine and the server's process on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from diag.capture.samplers.host.reader import HOST_PERIOD_NS, HostReader
from diag.capture.samplers.nvml import GPU_PERIOD_NS, open_gpu_reader
from diag.capture.samplers.process_names import with_process_names
from diag.capture.samplers.remote.protocol import SOURCES
from diag.capture.server.local_server import find_server_process
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.samplers.reader import Reader


# Shorter than a client waits for an answer, so that a driver that hangs does not prevent host
# samples. On a machine whose server uses GPUs, the driver is loaded and answers at once.
_DRIVER_TIMEOUT_NS = 5_000_000_000


class SampleSources(Protocol):
    """Opens readers, one for each client and source."""

    def open(self, source: str, period_ns: int) -> Reader | Unavailable:
        """Open a reader of a source, or say why there is none.

        Args:
            source: One of ``protocol.SOURCES``.
            period_ns: Time between two readings in ns; 0 for the source's default.
        """

    def server(self) -> str:
        """Short description of the server's process, or why it is unknown."""


class MachineSources:
    """The sources of this machine, the same as those of a capture on it."""

    def __init__(self, server_port: int) -> None:
        """Use the process that listens on a port.

        Args:
            server_port: The server's gRPC port. The process is looked up whenever a reader is
                opened, so that the server can start or restart after the agent.
        """
        self._server_port = server_port

    def open(self, source: str, period_ns: int) -> Reader | Unavailable:
        """See ``SampleSources``."""
        if source == "host":
            return HostReader(find_server_process(self._server_port), period_ns or HOST_PERIOD_NS)
        if source == "gpu":
            reader = open_gpu_reader(period_ns or GPU_PERIOD_NS, _DRIVER_TIMEOUT_NS)
            return with_process_names(reader, find_server_process(self._server_port).pid)
        return Unavailable(f"there is no source {source!r}, only {' and '.join(SOURCES)}")

    def server(self) -> str:
        """See ``SampleSources``."""
        pid = find_server_process(self._server_port).pid
        return pid.reason if isinstance(pid, Unavailable) else f"the server is process {pid}"
