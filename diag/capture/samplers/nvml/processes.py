"""The processes on a GPU, with their memory and their share of its multiprocessors."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pynvml

from diag.capture.samplers.nvml.nvml_errors import (
    LASTING,
    LOST,
    NOTHING_NEW,
    WHOLE_GPU_IN_MIG,
    reason_of,
)
from diag.formats.text.samples import LIST_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.samplers.nvml.devices import Device

MEMORY = "processes.memory_bytes"
SHARES = "processes.sm_percent"
LEFT_OUT = "processes.left_out"
PERCENT_MAX = 100  # some drivers return random entries: pid 0, thousands of percent

LOOK_BACK_US = 1_000_000  # the driver samples processes about once a second


class ProcessMeter:
    """Combines two lists of NVML: processes with memory, and processes active since the last call.

    A record lacks ``memory_bytes`` if the driver hides it from this container or user, and
    ``sm_percent`` if the driver sampled no work of the process since the last call.

    Attributes:
        errors: Reason by part of a record that this GPU does not provide.
    """

    def __init__(self, device: Device) -> None:
        """Read both lists once.

        Raises:
            pynvml.NVMLError: Neither list can be read.
        """
        self._handle = device.handle
        self._seen_us = 0
        self.errors: dict[str, str] = {}
        self._parts = {MEMORY: self._add_memory, SHARES: self._add_shares}
        if device.sampled.is_mig:
            self.errors[SHARES] = WHOLE_GPU_IN_MIG
            del self._parts[SHARES]
        self()

    @classmethod
    def opened(cls, device: Device) -> Callable[[], tuple[Any, ...]]:
        """For ``NvmlQuery.open``: a meter, which is itself the function that reads the values."""
        return cls(device)

    def __call__(self) -> tuple[list[dict[str, int]]]:
        """One record per process, in order of process id.

        Raises:
            pynvml.NVMLError: Neither list can be read, or the GPU is lost.
        """
        records: dict[int, dict[str, int]] = {}
        answers = {part: _error_of(add, records) for part, add in self._parts.items()}
        errors = {part: error for part, error in answers.items() if error is not None}
        if len(errors) == len(self._parts):
            raise next(iter(errors.values()))
        for part, error in errors.items():
            self.errors.setdefault(part, reason_of(error))
            if error.value in LASTING:
                del self._parts[part]
        return ([each for _, each in sorted(self._busiest(records).items())],)

    def _busiest(self, records: dict[int, dict[str, int]]) -> dict[int, dict[str, int]]:
        """The most active processes, as many as a sample can hold."""
        left_out = len(records) - LIST_MAX
        if left_out <= 0:
            return records
        self.errors[LEFT_OUT] = (
            f"the {left_out:,} least active of {len(records):,} processes are left out"
        )
        kept = sorted(records.items(), key=lambda entry: _activity(entry[1]), reverse=True)
        return dict(kept[:LIST_MAX])

    def begin(self) -> None:
        """Let the next list start one second ago, or it would be empty.

        An error here recurs in the next call, which reports it.
        """
        with suppress(pynvml.NVMLError):
            self()
        self._seen_us = max(0, self._seen_us - LOOK_BACK_US)

    def close(self) -> None:
        """No effect: it holds no resources."""

    def _add_memory(self, records: dict[int, dict[str, int]]) -> None:
        for process in self._running():
            record = records.setdefault(process.pid, {"pid": process.pid})
            if process.usedGpuMemory is not None:
                # In MIG mode a process is listed once for each of its slices.
                record["memory_bytes"] = record.get("memory_bytes", 0) + process.usedGpuMemory

    def _running(self) -> list[Any]:
        """The processes with memory; drivers before 510 have only version 2 of this call.

        The unversioned name is not used: with an older driver, pynvml raises an exception for it
        that is not an NVMLError.
        """
        try:
            return list(pynvml.nvmlDeviceGetComputeRunningProcesses_v3(self._handle))
        except pynvml.NVMLError as exc:
            if exc.value != pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                raise
        return list(pynvml.nvmlDeviceGetComputeRunningProcesses_v2(self._handle))

    def _add_shares(self, records: dict[int, dict[str, int]]) -> None:
        try:
            samples = pynvml.nvmlDeviceGetProcessUtilization(self._handle, self._seen_us)
        except pynvml.NVMLError as exc:
            if exc.value in NOTHING_NEW:
                return
            raise
        shares: dict[int, list[int]] = {}
        for sample in samples:
            if sample.pid and sample.smUtil <= PERCENT_MAX and sample.timeStamp > self._seen_us:
                shares.setdefault(sample.pid, []).append(sample.smUtil)
        self._seen_us = max([self._seen_us, *(sample.timeStamp for sample in samples)])
        for pid, percents in shares.items():
            record = records.setdefault(pid, {"pid": pid})
            record["sm_percent"] = round(sum(percents) / len(percents))


def _activity(record: dict[str, int]) -> tuple[int, int]:
    return record.get("sm_percent", 0), record.get("memory_bytes", 0)


def _error_of(
    add: Callable[[dict[int, dict[str, int]]], None], records: dict[int, dict[str, int]]
) -> pynvml.NVMLError | None:
    """Add a part to the records; returns NVML's error, and raises it if the GPU is lost."""
    try:
        add(records)
    except pynvml.NVMLError as exc:
        if exc.value in LOST:
            raise
        return exc
    return None
