"""Why the server's GPU tracer could not use CUPTI, by the errors it reported.

``diag/findings/gpu_tracing.py`` says what to do about it.
"""

from __future__ import annotations

from diag.model.device import CuptiAccess

# CUPTI's names of the errors (cupti_result.h, CUDA 12; issues of tensorflow/serving and
# openxla/xprof about servers whose tracer failed).
_REFUSED = ("INSUFFICIENT_PRIVILEGES", "ERR_NVGPUCTRPERM")
_IN_USE = ("MULTIPLE_SUBSCRIBERS",)


def cupti_access(errors: tuple[str, ...]) -> CuptiAccess:
    """Classify the errors that the server's GPU tracer reported."""
    reported = " ".join(errors)
    refused = any(word in reported for word in _REFUSED)
    in_use = any(word in reported for word in _IN_USE)
    if refused and in_use:
        return CuptiAccess.REFUSED_AND_IN_USE
    if refused:
        return CuptiAccess.REFUSED
    return CuptiAccess.IN_USE if in_use else CuptiAccess.UNKNOWN
