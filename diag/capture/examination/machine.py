"""Checks of the machines: GPU samples and tracing, clocks, and what opens a bundle here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from diag.capture.examination.result import Examined, Status
from diag.capture.server.local_server import LocalServer
from diag.model.availability import Unavailable
from diag.tensorboard_packages import problems, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.capture.side_sources import SideSources

# Set by nvidia's kernel module (NVreg_RestrictProfilingToAdminUsers): 1 refuses other users.
_DRIVER_PARAMETERS = Path("/proc/driver/nvidia/params")
_ADMIN_ONLY = "RmProfilingAdminOnly: 1"


def check_gpus(sources: SideSources, local: LocalServer | Unavailable) -> Iterator[Examined]:
    """Samples of GPUs and host, and whether the driver lets the server trace its GPUs."""
    missing = sources.missing()
    if "gpu" in missing:
        yield Examined(
            "gpu samples",
            Status.WARNING,
            missing["gpu"],
            ""
            if not isinstance(local, Unavailable)
            else "on the server's machine: diag agent; then --agent HOST:9500",
        )
    else:
        yield Examined("gpu samples", Status.OK, sources.details.get("gpu", "they can be taken"))
    for name in ("host", "dcgm"):
        if name in missing:
            yield Examined(f"{name} samples", Status.WARNING, missing[name])
    yield _gpu_tracing(local)


def _gpu_tracing(local: LocalServer | Unavailable) -> Examined:
    """Whether the driver lets the server trace its GPUs, as far as this machine shows."""
    name = "gpu tracing"
    if isinstance(local, Unavailable):
        return Examined(
            name, Status.UNKNOWN, "the driver's settings on the server's machine are not visible"
        )
    try:
        parameters = _DRIVER_PARAMETERS.read_text()
    except OSError:
        return Examined(name, Status.UNKNOWN, "no NVIDIA driver is loaded on this machine")
    if _ADMIN_ONLY in parameters:
        return Examined(
            name,
            Status.WARNING,
            "the driver lets only administrators profile",
            "run the server's container with the capability SYS_ADMIN, or load the driver with "
            "NVreg_RestrictProfilingToAdminUsers=0",
        )
    return Examined(name, Status.OK, "the driver lets every user profile")


def check_clock(local: LocalServer | Unavailable, round_trip_ns: int) -> Examined:
    """Whether both read one clock; else how well a capture could bound its offset."""
    if not isinstance(local, Unavailable) and not isinstance(local.pid, Unavailable):
        return Examined("clock", Status.OK, "the server and this program read the same clock")
    return Examined(
        "clock",
        Status.UNKNOWN,
        "the server's clock is another one; a capture bounds its offset by round trips, and the "
        f"status calls just made took {round_trip_ns / 1e6:.0f} ms together",
    )


def check_tensorboard() -> Examined:
    """Whether a bundle can be opened in TensorBoard on this machine."""
    found = versions()
    shown = ", ".join(f"{name} {version}" for name, version in found.items())
    wrong = list(problems())
    if wrong:
        what, _, remedy = wrong[0].partition(": ")
        return Examined("tensorboard", Status.WARNING, what, remedy)
    return Examined("tensorboard", Status.OK, shown)
