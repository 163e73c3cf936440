"""Opens NVML with a time limit: a broken driver can fail in many ways, or never answer."""

from __future__ import annotations

import threading

import pynvml

from diag.capture.samplers.nvml.devices import list_devices
from diag.capture.samplers.nvml.nvml_errors import reason_of
from diag.capture.samplers.nvml.reader import GPU_PERIOD_NS, GpuReader
from diag.capture.samplers.sample_validation import read_text
from diag.model.availability import Unavailable

# Without the persistence daemon the first call initialises the driver for every GPU, which takes
# seconds for each GPU on large machines.
OPEN_TIMEOUT_NS = 30_000_000_000


def open_gpu_reader(
    period_ns: int = GPU_PERIOD_NS, timeout_ns: int = OPEN_TIMEOUT_NS
) -> GpuReader | Unavailable:
    """Open a reader of all GPUs of this machine, or say why there is none.

    Args:
        period_ns: Time between two readings in ns.
        timeout_ns: Time allowed for the driver to answer.
    """
    opening = _Opening(period_ns)
    thread = threading.Thread(target=opening.run, name="diag-gpu-opening", daemon=True)
    thread.start()
    thread.join(timeout_ns / 1e9)
    return opening.take(f"the NVIDIA driver did not answer within {timeout_ns / 1e9:g} s")


class _Opening:
    """Opens on a thread that can be abandoned; a reader that comes too late is closed again."""

    def __init__(self, period_ns: int) -> None:
        self._period_ns = period_ns
        self._lock = threading.Lock()
        self._found: GpuReader | Unavailable | None = None
        self._given_up = False

    def run(self) -> None:
        found: GpuReader | Unavailable
        try:
            found = _open(self._period_ns)
        except Exception as exc:  # an unexpected answer of the driver must not stop the capture
            found = Unavailable(f"NVML's answer cannot be read: {type(exc).__name__}: {exc}")
        with self._lock:
            self._found = found
            is_late = self._given_up
        if is_late and isinstance(found, GpuReader):
            found.close()

    def take(self, too_late: str) -> GpuReader | Unavailable:
        with self._lock:
            found = self._found
            self._given_up = found is None
        return found or Unavailable(too_late)


def _open(period_ns: int) -> GpuReader | Unavailable:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as exc:
        return Unavailable(reason_of(exc))
    try:
        devices = list_devices()
        version = read_text(pynvml.nvmlSystemGetDriverVersion)
    except pynvml.NVMLError as exc:
        pynvml.nvmlShutdown()
        return Unavailable(f"NVML cannot list the GPUs: {reason_of(exc)}")
    if not devices:
        pynvml.nvmlShutdown()
        return Unavailable("the NVIDIA driver sees no GPU")
    reader = GpuReader(devices, period_ns, version)
    if not reader.units:
        reader.close()
        reasons = sorted(set(reader.missing.values()))
        return Unavailable(f"NVML has no value of any GPU: {'; '.join(reasons)}")
    return reader
