"""The machine under the server: cores, memory, throttling, and the server's own process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import psutil

from diag.capture.cgroup import find_cpu_stat, throttling
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from diag.capture.locality import Here

HOST_PERIOD_NS = 50_000_000  # 20 Hz

_UNITS = {
    "cpu_percent": "%",  # a list, one a core
    "steal_percent": "%",
    "load_1m": "tasks",
    "memory_used_bytes": "bytes",
    "memory_available_bytes": "bytes",
    "diag_cpu_percent": "% of one core",
}
_SERVER_UNITS = {
    "server_cpu_percent": "% of one core",
    "server_memory_bytes": "bytes",
    "server_threads": "threads",
}
_CGROUP_UNITS = {
    "cgroup_periods": "periods, counted up",
    "cgroup_throttled_periods": "periods, counted up",
    "cgroup_throttled_ns": "ns, counted up",
}


class HostReader:
    """Reads the host's load; a sampling.Reader."""

    source = "host"
    period_ns = HOST_PERIOD_NS

    def __init__(self, here: Here) -> None:
        self.units = dict(_UNITS)
        self.missing: dict[str, str] = {}
        self._self = psutil.Process()
        self._server = self._find_server(here.pid)
        self._cpu_stat = self._find_cpu_stat(here.pid)
        self.detail = f"{os.cpu_count()} cores"
        self._prime()

    def _find_server(self, pid: int | Unavailable) -> psutil.Process | None:
        if isinstance(pid, Unavailable):
            self.missing.update(dict.fromkeys(_SERVER_UNITS, pid.reason))
            return None
        try:
            server = psutil.Process(pid)
        except psutil.Error as exc:
            self.missing.update(dict.fromkeys(_SERVER_UNITS, str(exc)))
            return None
        self.units.update(_SERVER_UNITS)
        return server

    def _find_cpu_stat(self, pid: int | Unavailable) -> Path | None:
        if isinstance(pid, Unavailable):
            self.missing.update(dict.fromkeys(_CGROUP_UNITS, pid.reason))
            return None
        found = find_cpu_stat(pid)
        if isinstance(found, Unavailable):
            self.missing.update(dict.fromkeys(_CGROUP_UNITS, found.reason))
            return None
        self.units.update(_CGROUP_UNITS)
        return found

    def _prime(self) -> None:
        """The first reading of a percentage has nothing to compare with."""
        psutil.cpu_percent(percpu=True)
        psutil.cpu_times_percent()
        for process in (self._self, self._server):
            if process is not None:
                process.cpu_percent()

    def read(self) -> dict[str, Any]:
        """All fields, now.

        Raises:
            OSError: The server's process or its cgroup is gone.
        """
        memory = psutil.virtual_memory()
        fields: dict[str, Any] = {
            "cpu_percent": psutil.cpu_percent(percpu=True),
            "steal_percent": getattr(psutil.cpu_times_percent(), "steal", 0.0),
            "load_1m": os.getloadavg()[0],
            "memory_used_bytes": memory.used,
            "memory_available_bytes": memory.available,
            "diag_cpu_percent": self._self.cpu_percent(),
        }
        if self._server is not None:
            fields.update(_process_fields(self._server))
        if self._cpu_stat is not None:
            fields.update(zip(_CGROUP_UNITS, throttling(self._cpu_stat), strict=True))
        return fields

    def close(self) -> None:
        """Nothing is held."""


def _process_fields(server: psutil.Process) -> dict[str, Any]:
    try:
        with server.oneshot():
            return {
                "server_cpu_percent": server.cpu_percent(),
                "server_memory_bytes": server.memory_info().rss,
                "server_threads": server.num_threads(),
            }
    except psutil.Error as exc:
        raise ProcessLookupError(f"the server's process is gone: {exc}") from exc
