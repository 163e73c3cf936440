"""How to give the server's GPU tracer access to CUPTI, the least privilege first.

Sources: NVIDIA's pages on ERR_NVGPUCTRPERM (CAP_PERFMON from driver R565 on) and on
``dcgmi profile``; issues of tensorflow/serving and openxla/xprof.
"""

from __future__ import annotations

from diag.model.device import CuptiAccess

_FREE = "stop the other profiler (Nsight, or DCGM's profiling metrics: dcgmi profile --pause)"
# Ordered by what else becomes possible: profiling, in this container; profiling, for every user
# of the node; nearly all that root can do, in the container; everything, there.
_ALLOW = (
    "with drivers from R565 on, give the container CAP_PERFMON (--cap-add=PERFMON)",
    "reload the NVIDIA module with NVreg_RestrictProfilingToAdminUsers=0 (no container changes)",
    "give the container CAP_SYS_ADMIN (--cap-add=SYS_ADMIN, or capabilities.add in Kubernetes)",
    "as a last resort, run the container privileged",
)
_REASONS = {
    CuptiAccess.REFUSED: "CUPTI refused the server's GPU tracer",
    CuptiAccess.IN_USE: "Another profiler uses CUPTI",
    CuptiAccess.REFUSED_AND_IN_USE: (
        "CUPTI refused the server's GPU tracer, and another profiler uses it"
    ),
    CuptiAccess.UNKNOWN: (
        "If CUPTI refused the server's GPU tracer (CUPTI_ERROR_INSUFFICIENT_PRIVILEGES in the "
        "server's log), or another profiler uses it"
    ),
}


def cupti_fixes(access: CuptiAccess) -> tuple[str, ...]:
    """What gives the tracer access, the least privilege first; each an imperative phrase."""
    if access is CuptiAccess.REFUSED:
        return _ALLOW
    return (_FREE,) if access is CuptiAccess.IN_USE else (_FREE, *_ALLOW)


def allow_gpu_tracing(access: CuptiAccess) -> str:
    """Why GPUs are not in the trace, and the fixes in order, as one sentence."""
    fixes = cupti_fixes(access)
    numbered = (f"({n}) {fix}" for n, fix in enumerate(fixes, start=1))
    return f"{_REASONS[access]}: {'; '.join(numbered) if len(fixes) > 1 else fixes[0]}."
