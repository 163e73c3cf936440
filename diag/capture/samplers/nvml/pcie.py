"""PCIe traffic, measured aside: NVML counts bytes over 20 ms while the caller waits (nvml.h)."""

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
UNREAD_MAX = 60  # nobody reads any more: the sampler was left behind in a call that hangs


class PcieMeter:
    """Asks every GPU in turn, every two seconds, on a thread of its own.

    Attributes:
        units: Of the fields that some GPU gave.
        missing: Reason by ``device:field``.
        cpu_ns: CPU time of the thread so far.
    """

    def __init__(self, devices: list[Device]) -> None:
        """Prepare to ask the devices that are whole GPUs."""
        self._width = len(devices)
        self._asked = [
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
        """Begin to ask."""
        self._thread.start()

    def lines(self) -> list[dict[str, Any]]:
        """What came since the last call: a sample a round, at the middle of the round."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def close(self) -> bool:
        """End it; whether the thread ended, and nothing is inside the driver any more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT_NS / 1e9)
        if self._thread.is_alive():
            for name, _ in FIELDS:
                self.missing[name] = "a question to the driver for it did not come back"
            return False
        return True

    def _run(self) -> None:
        while self._asked and len(self._lines) < UNREAD_MAX and not self._stopping.is_set():
            begun_ns = time.time_ns()
            values = self._round()
            if values:
                self.units.update(dict.fromkeys(values, UNIT))
                self._lines.append({"unix_ns": (begun_ns + time.time_ns()) // 2, **values})
            self.cpu_ns = time.thread_time_ns()
            if self._stopping.wait(PERIOD_NS / 1e9):
                return

    def _round(self) -> dict[str, list[int | None]]:
        """Each counter of each GPU; fewer where sampling ends meanwhile."""
        values: dict[str, list[int | None]] = {}
        for entry in tuple(self._asked):
            index, handle, name, counter = entry
            if self._stopping.is_set():
                break
            try:
                kilobytes = pynvml.nvmlDeviceGetPcieThroughput(handle, counter)
            except pynvml.NVMLError as exc:
                self.missing.setdefault(f"{index}:{name}", reason_of(exc))
                if exc.value in LASTING | LOST:
                    self._asked.remove(entry)
                continue
            values.setdefault(name, [None] * self._width)[index] = kilobytes * BYTES_PER_KB
        return values
