"""One reading of all GPUs after another."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pynvml

from diag.capture.gpu.driver_samples import EVERY_NS, DriverSamples, NotWallClockError
from diag.capture.gpu.gpm import GpmMeter
from diag.capture.gpu.pcie import FIELDS as PCIE_FIELDS
from diag.capture.gpu.pcie import UNIT as PCIE_UNIT
from diag.capture.gpu.pcie import PcieMeter
from diag.capture.gpu.questions import OF_A_SLICE, QUESTIONS, WHOLE_GPU_IN_MIG, Ask, Question
from diag.capture.gpu.refusals import LASTING, LOST, reason_of

if TYPE_CHECKING:
    from diag.capture.gpu.devices import Device

GPU_PERIOD_NS = 50_000_000  # 20 Hz
DRIVER_FIELD = "driver_utilization_percent"

GPU_UNITS: dict[str, str] = {
    **{name: unit for question in QUESTIONS for name, unit in question.fields},
    DRIVER_FIELD: "%",
    **{name: PCIE_UNIT for name, _ in PCIE_FIELDS},
}


@dataclass(slots=True)
class _Round:
    """A question that some devices answer; asked in every ``stride``-th reading."""

    question: Question
    stride: int
    asks: list[tuple[int, Ask]] = field(default_factory=list)


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
        self.units: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self.detail = _detail(devices, driver_version)
        self._width = len(devices)
        self._count = 0
        self._started_ns: int | None = None
        self._lost: dict[int, str] = {}
        self._meters: list[GpmMeter] = []
        self._rounds = [self._open(question, devices) for question in QUESTIONS]
        self._driver_stride = _stride(EVERY_NS, period_ns)
        self._driver: list[tuple[int, DriverSamples]] = []
        self._open_driver_samples(devices)
        self._pcie = PcieMeter(devices)

    def _open(self, question: Question, devices: list[Device]) -> _Round:
        """The devices that answer, and for the others why not."""
        opened = _Round(question, _stride(question.every_ns, self.period_ns))
        for index, device in enumerate(devices):
            reason = question.refusal(device)
            if not reason:
                try:
                    ask = question.open(device)
                    if isinstance(ask, GpmMeter):
                        self._meters.append(ask)
                    else:
                        ask()
                except pynvml.NVMLError as exc:
                    reason = reason_of(exc)
                else:
                    opened.asks.append((index, ask))
            if reason:
                self._refuse(index, question, reason)
        if opened.asks:
            self.units.update(question.fields)
        return opened

    def _open_driver_samples(self, devices: list[Device]) -> None:
        for index, device in enumerate(devices):
            reason = OF_A_SLICE if device.is_slice else ""
            if not reason and device.sampled.is_mig:
                reason = WHOLE_GPU_IN_MIG
            if not reason:
                try:
                    self._driver.append((index, DriverSamples(device.handle)))
                    self.units[DRIVER_FIELD] = GPU_UNITS[DRIVER_FIELD]
                except pynvml.NVMLError as exc:
                    reason = reason_of(exc)
                except NotWallClockError as exc:
                    reason = str(exc)
            if reason:
                self.missing[f"{index}:{DRIVER_FIELD}"] = reason

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
        if len(self._lost) == self._width:
            raise OSError("; ".join(sorted(set(self._lost.values()))))
        return fields

    def _begin(self) -> None:
        """The window opens: what was measured before it must not count."""
        self._started_ns = time.time_ns()
        for meter in self._meters:
            try:
                meter.begin()
            except pynvml.NVMLError:
                continue  # the reading that follows meets it again, and says so
        self._pcie.start()

    def _ask(self, due: _Round, fields: dict[str, Any]) -> None:
        columns: list[list[Any]] = [[None] * self._width for _ in due.question.fields]
        for entry in tuple(due.asks):
            index, ask = entry
            try:
                values = ask()
            except pynvml.NVMLError as exc:
                self._fail(due, entry, exc)
                continue
            for column, value in zip(columns, values, strict=True):
                column[index] = value
        for (name, _), column in zip(due.question.fields, columns, strict=True):
            if any(value is not None for value in column):
                fields[name] = column

    def _fail(self, due: _Round, entry: tuple[int, Ask], error: pynvml.NVMLError) -> None:
        index = entry[0]
        reason = f"{reason_of(error)}, {self._elapsed()}"
        if error.value in LOST:
            self._lose(index, reason)
        else:
            if error.value in LASTING:
                due.asks.remove(entry)
            self._refuse(index, due.question, reason)

    def _lose(self, index: int, reason: str) -> None:
        """The GPU is gone, and everything of it."""
        self._lost[index] = reason
        self.missing[f"{index}:samples"] = reason
        for each in self._rounds:
            each.asks = [entry for entry in each.asks if entry[0] != index]
        self._driver = [entry for entry in self._driver if entry[0] != index]

    def _refuse(self, index: int, question: Question, reason: str) -> None:
        for name, _ in question.fields:
            self.missing.setdefault(f"{index}:{name}", reason)

    def _elapsed(self) -> str:
        started_ns = self._started_ns or time.time_ns()
        return f"{(time.time_ns() - started_ns) / 1e9:.2f} s after sampling began"

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        """The driver's own samples and the PCIe traffic, each with its own time."""
        lines = self._pcie.lines()
        if last or self._count % self._driver_stride == 0:
            lines += self._driver_lines()
        return lines

    def _driver_lines(self) -> list[dict[str, Any]]:
        """One sample a time stamp, with the GPUs that have it."""
        by_time: dict[int, list[Any]] = {}
        for entry in tuple(self._driver):
            index, samples = entry
            try:
                new = samples.new((self._started_ns or 0) // 1000)
            except pynvml.NVMLError as exc:
                self._fail_driver(entry, exc)
                continue
            except NotWallClockError as exc:
                self._driver.remove(entry)
                self.missing.setdefault(f"{index}:{DRIVER_FIELD}", str(exc))
                continue
            for stamp_us, percent in new:
                by_time.setdefault(stamp_us, [None] * self._width)[index] = percent
        return [
            {"unix_ns": stamp_us * 1000, DRIVER_FIELD: by_time[stamp_us]}
            for stamp_us in sorted(by_time)
        ]

    def _fail_driver(self, entry: tuple[int, DriverSamples], error: pynvml.NVMLError) -> None:
        index = entry[0]
        reason = f"{reason_of(error)}, {self._elapsed()}"
        if error.value in LOST:
            self._lose(index, reason)
            return
        if error.value in LASTING:
            self._driver.remove(entry)
        self.missing.setdefault(f"{index}:{DRIVER_FIELD}", reason)

    def aside_cpu_ns(self) -> int:
        """Of the thread that asks for PCIe traffic."""
        return self._pcie.cpu_ns

    def close(self) -> None:
        """Free what NVML lent, and let go of it unless a call is still inside."""
        ended = self._pcie.close()
        self.units.update(self._pcie.units)
        self.missing.update(self._pcie.missing)
        if not ended:
            return
        try:
            for meter in self._meters:
                meter.close()
            pynvml.nvmlShutdown()
        except pynvml.NVMLError as exc:
            self.missing["close"] = reason_of(exc)


def _stride(every_ns: int, period_ns: int) -> int:
    return max(1, round(every_ns / period_ns))


def _detail(devices: list[Device], driver_version: str) -> str:
    names = ", ".join(device.sampled.name for device in devices)
    slices = sum(device.is_slice for device in devices)
    count = f"{len(devices) - slices} GPUs" + (f" and {slices} MIG slices" if slices else "")
    return f"{count}: {names}; driver {driver_version}"
