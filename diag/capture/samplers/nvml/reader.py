"""One reading of all GPUs after another."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pynvml

from diag.capture.samplers.nvml.driver_samples import EVERY_NS, DriverLog
from diag.capture.samplers.nvml.driver_samples import FIELD as DRIVER_FIELD
from diag.capture.samplers.nvml.driver_samples import UNIT as DRIVER_UNIT
from diag.capture.samplers.nvml.gpm import GpmMeter
from diag.capture.samplers.nvml.nvml_errors import LASTING, LOST, reason_of
from diag.capture.samplers.nvml.pcie import FIELDS as PCIE_FIELDS
from diag.capture.samplers.nvml.pcie import UNIT as PCIE_UNIT
from diag.capture.samplers.nvml.pcie import PcieMeter
from diag.capture.samplers.nvml.processes import ProcessMeter
from diag.capture.samplers.nvml.queries import QUERIES, NvmlQuery, ReadValues

if TYPE_CHECKING:
    from diag.capture.samplers.nvml.devices import Device

GPU_PERIOD_NS = 50_000_000  # 20 Hz
CLOSE_TIMEOUT_NS = 2_000_000_000

GPU_UNITS: dict[str, str] = {
    **{name: unit for query in QUERIES for name, unit in query.fields},
    DRIVER_FIELD: DRIVER_UNIT,
    **{name: PCIE_UNIT for name, _ in PCIE_FIELDS},
}


@dataclass(slots=True)
class _Round:
    """A question that some devices answer; asked in every ``stride``-th reading."""

    query: NvmlQuery
    stride: int
    asks: list[tuple[int, ReadValues]] = field(default_factory=list)


class GpuReader:
    """Reads every GPU and MIG slice; a sampling.Reader. NVML must be initialised.

    A GPU that is lost while sampling has null from then on and a reason in ``missing``; the others
    go on.
    """

    source = "gpu"

    def __init__(self, devices: list[Device], period_ns: int, driver_version: str) -> None:
        """Ask every device everything once, to know what each can answer."""
        self.period_ns = period_ns
        self.devices = tuple(device.sampled for device in devices)
        self._units: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self.detail = _detail(devices, driver_version)
        self._width = len(devices)
        self._count = 0
        self._started_ns: int | None = None
        self._lost: dict[int, str] = {}
        self._meters: list[tuple[int, GpmMeter | ProcessMeter]] = []
        self._rounds = [self._open(query, devices) for query in QUERIES]
        self._driver_stride = _stride(EVERY_NS, period_ns)
        self._driver = DriverLog(devices)
        self._pcie = PcieMeter(devices)

    @property
    def units(self) -> dict[str, str]:
        """Unit by field that some device gave when asked first."""
        return {**self._units, **self._driver.units, **self._pcie.units}

    @property
    def missing(self) -> dict[str, str]:
        """Reason by ``device:field``, by ``device:samples`` for a GPU that was lost."""
        parts = {
            f"{index}:{part}": reason
            for index, meter in self._meters
            for part, reason in meter.refusals.items()
        }
        return {**parts, **self._missing, **self._driver.missing, **self._pcie.missing}

    def _open(self, query: NvmlQuery, devices: list[Device]) -> _Round:
        """The devices that answer, and for the others why not."""
        opened = _Round(query, _stride(query.every_ns, self.period_ns))
        for index, device in enumerate(devices):
            reason = query.refusal(device)
            if not reason:
                try:
                    ask = query.open(device)
                    if isinstance(ask, GpmMeter | ProcessMeter):
                        self._meters.append((index, ask))
                    else:
                        ask()
                except pynvml.NVMLError as exc:
                    reason = reason_of(exc)
                else:
                    opened.asks.append((index, ask))
            if reason:
                self._refuse(index, query, reason)
        if opened.asks:
            self._units.update(query.fields)
        return opened

    def read(self) -> dict[str, Any]:
        """The fields that are due, each a list with a value a device.

        Raises:
            OSError: No GPU answers any more.
        """
        if self._started_ns is None:
            self._begin()
        fields: dict[str, Any] = {}
        for due in self._rounds:
            if due.asks and self._count % due.stride == 0:
                self._ask(due, fields)
        self._count += 1
        if not any(each.asks for each in self._rounds):
            raise OSError("; ".join(sorted(set((self._lost or self._missing).values()))))
        return fields

    def _begin(self) -> None:
        """The window opens: what was measured before it must not count."""
        self._started_ns = time.time_ns()
        for _, meter in self._meters:
            meter.begin()
        self._pcie.start()

    def _ask(self, due: _Round, fields: dict[str, Any]) -> None:
        columns: list[list[Any]] = [[None] * self._width for _ in due.query.fields]
        for entry in tuple(due.asks):
            index, ask = entry
            try:
                values = ask()
            except pynvml.NVMLError as exc:
                self._fail(due, entry, exc)
                continue
            for column, value in zip(columns, values, strict=True):
                column[index] = value
        for (name, _), column in zip(due.query.fields, columns, strict=True):
            if any(value is not None for value in column):
                fields[name] = column

    def _fail(self, due: _Round, entry: tuple[int, ReadValues], error: pynvml.NVMLError) -> None:
        index = entry[0]
        reason = f"{reason_of(error)}, {self._elapsed()}"
        if error.value in LOST:
            self._lose(index, reason)
        else:
            if error.value in LASTING:
                due.asks.remove(entry)
            self._refuse(index, due.query, reason)

    def _lose(self, index: int, reason: str) -> None:
        """The GPU is gone, and everything of it."""
        self._lost[index] = reason
        self._missing[f"{index}:samples"] = reason
        for each in self._rounds:
            each.asks = [entry for entry in each.asks if entry[0] != index]

    def _refuse(self, index: int, query: NvmlQuery, reason: str) -> None:
        for name, _ in query.fields:
            self._missing.setdefault(f"{index}:{name}", reason)

    def _elapsed(self) -> str:
        started_ns = self._started_ns or time.time_ns()
        return f"{(time.time_ns() - started_ns) / 1e9:.2f} s after sampling began"

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        """The driver's own samples and the PCIe traffic, each with its own time."""
        lines = self._pcie.lines()
        if last or self._count % self._driver_stride == 0:
            lines += self._driver.lines((self._started_ns or 0) // 1000)
        return lines

    def background_cpu_ns(self) -> int:
        """Of the thread that asks for PCIe traffic."""
        return self._pcie.cpu_ns

    def close(self) -> None:
        """Free what NVML lent, and let go of it unless a call is still inside.

        On a thread that is left behind where the driver does not come back from it.
        """
        if not self._pcie.close():
            return
        thread = threading.Thread(target=self._let_go, name="diag-gpu-closing", daemon=True)
        thread.start()
        thread.join(CLOSE_TIMEOUT_NS / 1e9)

    def _let_go(self) -> None:
        for _, meter in self._meters:
            meter.close()
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _stride(every_ns: int, period_ns: int) -> int:
    return max(1, round(every_ns / period_ns))


def _detail(devices: list[Device], driver_version: str) -> str:
    names = ", ".join(device.sampled.name for device in devices)
    slices = sum(device.is_slice for device in devices)
    count = f"{len(devices) - slices} GPUs" + (f" and {slices} MIG slices" if slices else "")
    return f"{count}: {names}; driver {driver_version}"
