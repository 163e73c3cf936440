"""GpuReader: reads all GPUs of this machine through NVML."""

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
class _ScheduledQuery:
    """A query of the devices that support it, run in every ``stride``-th reading."""

    query: NvmlQuery
    stride: int
    devices: list[tuple[int, ReadValues]] = field(default_factory=list)


class GpuReader:
    """Reads every GPU and MIG slice; a Reader. NVML must be initialised.

    If a GPU is lost during sampling, its values are None from then on, with a reason in
    ``missing``; the other GPUs are read as before.
    """

    source = "gpu"

    def __init__(self, devices: list[Device], period_ns: int, driver_version: str) -> None:
        """Run every query once for every device, to learn which ones are supported."""
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
        self._queries = [self._open(query, devices) for query in QUERIES]
        self._driver_stride = _stride(EVERY_NS, period_ns)
        self._driver = DriverLog(devices)
        self._pcie = PcieMeter(devices)

    @property
    def units(self) -> dict[str, str]:
        """Unit by field that at least one device supports."""
        return {**self._units, **self._driver.units, **self._pcie.units}

    @property
    def missing(self) -> dict[str, str]:
        """Reason by ``device:field``, or by ``device:samples`` for a GPU that was lost."""
        parts = {
            f"{index}:{part}": reason
            for index, meter in self._meters
            for part, reason in meter.errors.items()
        }
        return {**parts, **self._missing, **self._driver.missing, **self._pcie.missing}

    def _open(self, query: NvmlQuery, devices: list[Device]) -> _ScheduledQuery:
        """Open a query for the devices that support it, and record why the others do not."""
        opened = _ScheduledQuery(query, _stride(query.every_ns, self.period_ns))
        for index, device in enumerate(devices):
            reason = query.unsupported_reason(device)
            if not reason:
                try:
                    read_values = query.open(device)
                    if isinstance(read_values, GpmMeter | ProcessMeter):
                        self._meters.append((index, read_values))
                    else:
                        read_values()
                except pynvml.NVMLError as exc:
                    reason = reason_of(exc)
                else:
                    opened.devices.append((index, read_values))
            if reason:
                self._mark_missing(index, query, reason)
        if opened.devices:
            self._units.update(query.fields)
        return opened

    def read(self) -> dict[str, Any]:
        """The fields that are due, each a list with one value per device.

        Raises:
            OSError: No GPU can be read any more.
        """
        if self._started_ns is None:
            self._begin()
        fields: dict[str, Any] = {}
        for due in self._queries:
            if due.devices and self._count % due.stride == 0:
                self._run(due, fields)
        self._count += 1
        if not any(each.devices for each in self._queries):
            raise OSError("; ".join(sorted(set((self._lost or self._missing).values()))))
        return fields

    def _begin(self) -> None:
        """Start the meters, so that nothing from before the first reading counts."""
        self._started_ns = time.time_ns()
        for _, meter in self._meters:
            meter.begin()
        self._pcie.start()

    def _run(self, due: _ScheduledQuery, fields: dict[str, Any]) -> None:
        columns: list[list[Any]] = [[None] * self._width for _ in due.query.fields]
        for entry in tuple(due.devices):
            index, read_values = entry
            try:
                values = read_values()
            except pynvml.NVMLError as exc:
                self._fail(due, entry, exc)
                continue
            for column, value in zip(columns, values, strict=True):
                column[index] = value
        for (name, _), column in zip(due.query.fields, columns, strict=True):
            if any(value is not None for value in column):
                fields[name] = column

    def _fail(
        self, due: _ScheduledQuery, entry: tuple[int, ReadValues], error: pynvml.NVMLError
    ) -> None:
        index = entry[0]
        reason = f"{reason_of(error)}, {self._elapsed()}"
        if error.value in LOST:
            self._lose(index, reason)
        else:
            if error.value in LASTING:
                due.devices.remove(entry)
            self._mark_missing(index, due.query, reason)

    def _lose(self, index: int, reason: str) -> None:
        """Stop reading a GPU that is lost."""
        self._lost[index] = reason
        self._missing[f"{index}:samples"] = reason
        for each in self._queries:
            each.devices = [entry for entry in each.devices if entry[0] != index]

    def _mark_missing(self, index: int, query: NvmlQuery, reason: str) -> None:
        for name, _ in query.fields:
            self._missing.setdefault(f"{index}:{name}", reason)

    def _elapsed(self) -> str:
        started_ns = self._started_ns or time.time_ns()
        return f"{(time.time_ns() - started_ns) / 1e9:.2f} s after sampling began"

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        """The driver's own samples and the PCIe traffic, each with a time of its own."""
        lines = self._pcie.lines()
        if last or self._count % self._driver_stride == 0:
            lines += self._driver.lines((self._started_ns or 0) // 1000)
        return lines

    def background_cpu_ns(self) -> int:
        """CPU time of the PCIe thread in ns."""
        return self._pcie.cpu_ns

    def close(self) -> None:
        """Free NVML's resources and shut it down, unless a driver call is still running.

        This happens on a thread that is abandoned if the driver does not return.
        """
        if not self._pcie.close():
            return
        thread = threading.Thread(target=self._shut_down, name="diag-gpu-closing", daemon=True)
        thread.start()
        thread.join(CLOSE_TIMEOUT_NS / 1e9)

    def _shut_down(self) -> None:
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
