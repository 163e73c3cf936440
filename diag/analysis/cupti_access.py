"""What lets the server's GPU tracer in, the least privilege first.

Sources: NVIDIA's pages on ERR_NVGPUCTRPERM (CAP_PERFMON from driver R565 on) and on
``dcgmi profile``; tensorflow/serving and openxla/xprof issues of servers whose tracer was refused.
"""

from __future__ import annotations

# CUPTI's names for what refuses it (cupti_result.h, CUDA 12; field reports of TensorFlow Serving).
_REFUSED = ("INSUFFICIENT_PRIVILEGES", "ERR_NVGPUCTRPERM")
_TAKEN = ("MULTIPLE_SUBSCRIBERS",)

_LET_GO = "if Nsight or DCGM's profiling metrics hold CUPTI, stop them (dcgmi profile --pause)"
# Ordered by what else becomes possible: profiling, to this container; profiling, to every user of
# the node; nearly all that root can, in the container; everything, there.
_LET_IN = (
    "with drivers from R565 on, give the container CAP_PERFMON (--cap-add=PERFMON)",
    "reload the NVIDIA module with NVreg_RestrictProfilingToAdminUsers=0 (no container changes)",
    "give the container CAP_SYS_ADMIN (--cap-add=SYS_ADMIN, or capabilities.add in Kubernetes)",
    "last of all, run it privileged",
)


def numbered_fixes() -> str:
    """All of them in one line, ``(1) …; (2) …``: for when nothing says what is the matter."""
    return _numbered((_LET_GO, *_LET_IN))


def fix_for(errors: tuple[str, ...]) -> str:
    """What is the matter and what helps against it, in a sentence; "" if the errors do not tell.

    Args:
        errors: What the tracer said.
    """
    said = " ".join(errors)
    is_refused = any(word in said for word in _REFUSED)
    is_taken = any(word in said for word in _TAKEN)
    if is_refused and is_taken:
        return f"CUPTI was refused and is taken: {numbered_fixes()}."
    if is_refused:
        return f"CUPTI was refused: {_numbered(_LET_IN)}."
    if is_taken:
        return (
            "CUPTI is taken: stop the other profiler first (nsys, ncu, another session, or DCGM's "
            "profiling metrics: dcgmi profile --pause)."
        )
    return ""


def _numbered(fixes: tuple[str, ...]) -> str:
    return "; ".join(f"({n}) {fix}" for n, fix in enumerate(fixes, start=1))
