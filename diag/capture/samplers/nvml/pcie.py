"""PCIe traffic, read on a thread of its own: each NVML call blocks for 20 ms (nvml.h)."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import pynvml

from diag.capture.samplers.nvml.nvml_errors import LASTING, LOST, reason_of

if TYPE_CHECKING:
    from diag.capture.samplers.nvml.devices import Device

FIELDS = (
    ("pcie_tx_bytes_per_s", pynvml.NVML_PCIE_UTIL_TX_BYTES),
    ("pcie_rx_bytes_per_s", pynvml.NVML_PCIE_UTIL_RX_BYTES),
)
UNIT = "bytes/s"
BYTES_PER_KB = 1000
PERIOD_NS = 2_000_000_000
STOP_TIMEOUT_NS = 500_000_000
UNREAD_MAX = 60  # then the sampler's thread hangs in a driver call and reads no more


class PcieMeter:
    """Reads the counters of every GPU in turn, every 2 s, on a thread of its own.

    Attributes:
        units: Unit by field that at least one GPU provides.
        missing: Reason by ``device:field``.
        cpu_ns: CPU time of the thread so far.
    """

    def __init__(self, devices: list[Device]) -> None:
        """Prepare to read whole GPUs; MIG slices have no PCIe counters."""
        self._width = len(devices)
        self._counters = [
            (index, device.handle, name, counter)
            for index, device in enumerate(devices)
            for name, counter in FIELDS
            if not device.is_slice
        ]
        self._lines: deque[dict[str, Any]] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="diag-gpu-pcie", daemon=True)
        self.units: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self.cpu_ns = 0

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def lines(self) -> list[dict[str, Any]]:
        """The samples since the last call, one per round, stamped with the middle of the round."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def close(self) -> bool:
        """Stop reading; returns whether the thread has ended, so that no driver call is running."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT_NS / 1e9)
        if self._thread.is_alive():
            for name, _ in FIELDS:
                self.missing[name] = "the driver did not answer"
            return False
        return True

    def _run(self) -> None:
        while self._counters and len(self._lines) < UNREAD_MAX and not self._stopping.is_set():
            begun_ns = time.time_ns()
            values = self._round()
            if values:
                self.units.update(dict.fromkeys(values, UNIT))
                self._lines.append({"unix_ns": (begun_ns + time.time_ns()) // 2, **values})
            self.cpu_ns = time.thread_time_ns()
            if self._stopping.wait(PERIOD_NS / 1e9):
                return

    def _round(self) -> dict[str, list[int | None]]:
        """Each counter of each GPU; incomplete if sampling ends during the round."""
        values: dict[str, list[int | None]] = {}
        for entry in tuple(self._counters):
            index, handle, name, counter = entry
            if self._stopping.is_set():
                break
            try:
                kilobytes = pynvml.nvmlDeviceGetPcieThroughput(handle, counter)
            except pynvml.NVMLError as exc:
                self.missing.setdefault(f"{index}:{name}", reason_of(exc))
                if exc.value in LASTING | LOST:
                    self._counters.remove(entry)
                continue
            values.setdefault(name, [None] * self._width)[index] = kilobytes * BYTES_PER_KB
        return values
