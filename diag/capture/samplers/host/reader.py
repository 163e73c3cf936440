"""Samples of this machine: CPU, memory, CPU throttling, and the server's process."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from diag.capture.samplers.host.cgroup import find_cpu_stat, throttling
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.server.local_server import LocalServer

_LOADAVG = Path("/proc/loadavg")
HOST_PERIOD_NS = 50_000_000  # 20 Hz
# The kernel counts CPU time in ticks of 10 ms; over less than two ticks a share is meaningless.
SHARE_MIN_NS = 20_000_000

_UNITS = {
    "cpu_percent": "%",  # a list with one value per core
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
_RUNNABLE = "runnable_threads"
_CGROUP_UNITS = {
    "cgroup_periods": "periods, counted up",
    "cgroup_throttled_periods": "periods, counted up",
    "cgroup_throttled_ns": "ns, counted up",
}


class HostReader:
    """Reads the host's load; a Reader."""

    source = "host"
    devices = ()

    def __init__(self, local: LocalServer, period_ns: int = HOST_PERIOD_NS) -> None:
        """Find out what can be read.

        Args:
            local: The server's process.
            period_ns: Time between two readings in ns.
        """
        self.period_ns = period_ns
        self.units = dict(_UNITS)
        self.missing: dict[str, str] = {}
        self._find_run_queue()
        self._self = psutil.Process()
        self._server = self._find_server(local.pid)
        self._cpu_stat = self._find_cpu_stat(local.pid)
        self.detail = f"{os.cpu_count()} cores"
        self._shares_read_ns: int | None = None

    def _find_run_queue(self) -> None:
        try:
            _runnable_threads()
        except (OSError, ValueError, IndexError) as exc:
            self.missing[_RUNNABLE] = f"{_LOADAVG} cannot be read: {exc}"
        else:
            self.units[_RUNNABLE] = "threads"

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

    def read(self) -> dict[str, Any]:
        """Current values of all fields; CPU percentages only if 20 ms or more have passed.

        Call it from one thread, because psutil keeps the previous counters per thread.

        Raises:
            OSError: The server's process or its cgroup has ended.
        """
        fields = self._shares()
        memory = psutil.virtual_memory()
        fields |= {
            "load_1m": os.getloadavg()[0],
            "memory_used_bytes": memory.used,
            "memory_available_bytes": memory.available,
        }
        if _RUNNABLE in self.units:
            fields[_RUNNABLE] = _runnable_threads()
        if self._server is not None:
            fields |= _of_process(self._server, _sizes)
        if self._cpu_stat is not None:
            fields.update(zip(_CGROUP_UNITS, throttling(self._cpu_stat), strict=True))
        return fields

    def _shares(self) -> dict[str, Any]:
        """CPU percentages since the previous sample that has them.

        Left out of the first sample and of samples right after a late one: psutil has no earlier
        counters to compare with then and returns 0.
        """
        now_ns, last_ns = time.monotonic_ns(), self._shares_read_ns
        if last_ns is not None and now_ns - last_ns < SHARE_MIN_NS:
            return {}
        self._shares_read_ns = now_ns
        fields: dict[str, Any] = {
            "cpu_percent": psutil.cpu_percent(percpu=True),
            "steal_percent": getattr(psutil.cpu_times_percent(), "steal", 0.0),
            "diag_cpu_percent": self._self.cpu_percent(),
        }
        if self._server is not None:
            fields |= _of_process(self._server, _server_share)
        return {} if last_ns is None else fields

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        """Always empty: the host keeps no history."""
        return []

    def background_cpu_ns(self) -> int:
        """Always 0: it has no threads of its own."""
        return 0

    def close(self) -> None:
        """No effect: it holds no resources."""


def _runnable_threads() -> int:
    """Threads that run or could run, by the fourth field of /proc/loadavg (proc(5)): ``2/345``."""
    return int(_LOADAVG.read_text().split()[3].partition("/")[0])


def _of_process(
    server: psutil.Process, read: Callable[[psutil.Process], dict[str, Any]]
) -> dict[str, Any]:
    try:
        with server.oneshot():
            return read(server)
    except psutil.Error as exc:
        raise ProcessLookupError(f"the server's process has ended: {exc}") from exc


def _sizes(server: psutil.Process) -> dict[str, Any]:
    return {
        "server_memory_bytes": server.memory_info().rss,
        "server_threads": server.num_threads(),
    }


def _server_share(server: psutil.Process) -> dict[str, Any]:
    return {"server_cpu_percent": server.cpu_percent()}
