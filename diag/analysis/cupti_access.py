"""What lets the server's GPU tracer in, the least privilege first.

Sources: NVIDIA's pages on ERR_NVGPUCTRPERM (CAP_PERFMON from driver R565 on) and on
``dcgmi profile``; tensorflow/serving and openxla/xprof issues of servers whose tracer was refused.
"""

from __future__ import annotations

# Ordered by what else becomes possible: nothing; profiling, to this container; profiling, to every
# user of the node; nearly all that root can, in the container; everything, there.
CUPTI_FIXES = (
    "if Nsight or DCGM's profiling metrics hold CUPTI, stop them (dcgmi profile --pause)",
    "with drivers from R565 on, give the container CAP_PERFMON (--cap-add=PERFMON)",
    "reload the NVIDIA module with NVreg_RestrictProfilingToAdminUsers=0 (no container changes)",
    "give the container CAP_SYS_ADMIN (--cap-add=SYS_ADMIN, or capabilities.add in Kubernetes)",
    "last of all, run it privileged",
)


def numbered_fixes() -> str:
    """All of them in one line, ``(1) …; (2) …``."""
    return "; ".join(f"({n}) {fix}" for n, fix in enumerate(CUPTI_FIXES, start=1))
