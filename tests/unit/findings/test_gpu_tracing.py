"""What gives the GPU tracer access, in order of privilege."""

from __future__ import annotations

import pytest

from diag.findings.gpu_tracing import allow_gpu_tracing, cupti_fixes
from diag.model.device import CuptiAccess

PRIVILEGES = ("PERFMON", "NVreg_Restrict", "SYS_ADMIN", "privileged")


@pytest.mark.parametrize(
    "access", [CuptiAccess.REFUSED, CuptiAccess.REFUSED_AND_IN_USE, CuptiAccess.UNKNOWN]
)
def test_the_fixes_come_in_order_of_privilege(access: CuptiAccess) -> None:
    text = allow_gpu_tracing(access)
    places = [text.index(word) for word in PRIVILEGES]
    assert places == sorted(places)


def test_only_what_helps_is_listed() -> None:
    refused, in_use = map(allow_gpu_tracing, (CuptiAccess.REFUSED, CuptiAccess.IN_USE))
    assert "Nsight" not in refused
    assert "PERFMON" not in in_use
    assert len(cupti_fixes(CuptiAccess.UNKNOWN)) == 1 + len(PRIVILEGES)


def test_a_refused_tracer_to_the_letter() -> None:
    assert allow_gpu_tracing(CuptiAccess.REFUSED) == (
        "CUPTI refused the server's GPU tracer: (1) with drivers from R565 on, give the container "
        "CAP_PERFMON (--cap-add=PERFMON); (2) reload the NVIDIA module with "
        "NVreg_RestrictProfilingToAdminUsers=0 (no container changes); (3) give the container "
        "CAP_SYS_ADMIN (--cap-add=SYS_ADMIN, or capabilities.add in Kubernetes); (4) as a last "
        "resort, run the container privileged."
    )
