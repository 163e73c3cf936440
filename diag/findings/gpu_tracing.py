"""What to do where the server's GPU tracer recorded nothing, by what is known of why.

Sources: NVIDIA's pages on ERR_NVGPUCTRPERM (CAP_PERFMON from driver R565 on) and on
``dcgmi profile``; issues 1718 of tensorflow/serving and 63, 263, 363 and 443 of openxla/xprof;
XLA:xla/backends/profiler/gpu/cupti_error_manager.cc, which stays off after one error until the
process ends.
"""

from __future__ import annotations

from typing import NamedTuple

from diag.model.device import CuptiAccess
from diag.model.finding import RemedyKind, RemedyPlace


class Fix(NamedTuple):
    """One way to get GPUs into the trace.

    Attributes:
        action: Imperative phrase, without a full stop.
        risk: In one sentence; "" if none is known.
    """

    place: RemedyPlace
    action: str
    risk: str = ""
    kind: RemedyKind = RemedyKind.DEPLOYMENT


_FREE = Fix(
    RemedyPlace.HOST,
    "stop the other profiler (Nsight, or DCGM's profiling metrics: dcgmi profile --pause), then "
    "restart the server: after an error it no longer uses CUPTI",
)
# Ordered by what else becomes possible: profiling, in this container; profiling, for every user
# of the node; nearly all that root can do, in the container; everything, there.
_ALLOW = (
    Fix(
        RemedyPlace.CONTAINER,
        "with drivers from R565 on, give the container CAP_PERFMON (--cap-add=PERFMON)",
    ),
    Fix(
        RemedyPlace.HOST,
        "reload the NVIDIA module with NVreg_RestrictProfilingToAdminUsers=0 (no container "
        "changes)",
        "Every user of the machine may profile GPUs.",
    ),
    Fix(
        RemedyPlace.CONTAINER,
        "give the container CAP_SYS_ADMIN (--cap-add=SYS_ADMIN, or capabilities.add in Kubernetes)",
        "It permits far more than profiling.",
    ),
    Fix(
        RemedyPlace.CONTAINER,
        "as a last resort, run the container privileged",
        "It permits everything on the machine.",
    ),
)
_LOAD = Fix(
    RemedyPlace.CONTAINER,
    "if the server's log says that libcupti could not be loaded, install CUPTI in the image and "
    "put it on the library path (LD_LIBRARY_PATH=/usr/local/cuda/extras/CUPTI/lib64)",
)
_RESTART = Fix(
    RemedyPlace.HOST,
    "if the log has another error of CUPTI, remove its cause and restart the server: after an "
    "error it no longer uses CUPTI",
)
_GIVE_GPU = Fix(
    RemedyPlace.CONTAINER,
    "if the server should use a GPU, run a GPU image (tensorflow/serving:latest-gpu) and give the "
    "container a GPU (--gpus all, or nvidia.com/gpu in Kubernetes): nvidia-smi there must list it",
)
_AGAIN = Fix(
    RemedyPlace.CAPTURE_COMMAND,
    "capture again: the first capture of a server also starts CUPTI, which takes seconds",
    kind=RemedyKind.CAPTURE,
)
_BY_LOG = (
    Fix(RemedyPlace.HOST, "look for CUPTI in the server's log: only there is its error"),
    Fix(
        RemedyPlace.CONTAINER,
        "for CUPTI_ERROR_INSUFFICIENT_PRIVILEGES, give the container CAP_PERFMON (drivers before "
        "R565: CAP_SYS_ADMIN), or reload the NVIDIA module with "
        "NVreg_RestrictProfilingToAdminUsers=0",
    ),
    Fix(
        RemedyPlace.HOST,
        "for CUPTI_ERROR_MULTIPLE_SUBSCRIBERS, stop the other profiler (Nsight, or DCGM's "
        "profiling metrics: dcgmi profile --pause) and restart the server",
    ),
    _LOAD,
)
_UNDO_PERMISSIONS = "Take the added permissions away again."
_UNDO_ANY = "Undo what was changed for it: permissions, the image, or the stopped profiler."


class _Known(NamedTuple):
    """What is known of why, as the beginning of a sentence, what helps, and how to undo that."""

    why: str
    fixes: tuple[Fix, ...]
    rollback: str


_KNOWN: dict[CuptiAccess, _Known] = {
    CuptiAccess.REFUSED: _Known("CUPTI refused the server's GPU tracer", _ALLOW, _UNDO_PERMISSIONS),
    CuptiAccess.IN_USE: _Known(
        "Another profiler uses CUPTI", (_FREE,), "Start the other profiler again."
    ),
    CuptiAccess.REFUSED_AND_IN_USE: _Known(
        "CUPTI refused the server's GPU tracer, and another profiler uses it",
        (_FREE, *_ALLOW),
        _UNDO_ANY,
    ),
    CuptiAccess.NOT_LOADED: _Known(
        "The server's GPU tracer could not use CUPTI",
        (_LOAD, _RESTART),
        "Start the former image again.",
    ),
    CuptiAccess.NO_GPU: _Known(
        "The server's GPU tracer found no GPU", (_GIVE_GPU,), "Start the former image again."
    ),
    CuptiAccess.SILENT: _Known("The server's GPU tracer reported no error", (_AGAIN,), ""),
    CuptiAccess.NOT_STARTED: _Known(
        "The server's GPU tracer did not start, and the trace does not say why", _BY_LOG, _UNDO_ANY
    ),
    CuptiAccess.UNKNOWN: _Known(
        "No source says why the trace has no GPU", (_GIVE_GPU, *_BY_LOG), _UNDO_ANY
    ),
}


def why_untraced(access: CuptiAccess) -> str:
    """Why GPUs are not in the trace, as the beginning of a sentence."""
    return _KNOWN[access].why


def fixes(access: CuptiAccess) -> tuple[Fix, ...]:
    """What gets GPUs into the trace: the most likely first, then the least privilege."""
    return _KNOWN[access].fixes


def rollback(access: CuptiAccess) -> str:
    """How to undo the fixes; "" where the server stays as it is."""
    return _KNOWN[access].rollback


def allow_gpu_tracing(access: CuptiAccess) -> str:
    """Why GPUs are not in the trace, and the fixes in order, as one sentence."""
    actions = [fix.action for fix in fixes(access)]
    numbered = (f"({n}) {action}" for n, action in enumerate(actions, start=1))
    return f"{why_untraced(access)}: {'; '.join(numbered) if len(actions) > 1 else actions[0]}."
