"""What gets GPUs into the trace: the advice for each reason, in order of privilege."""

from __future__ import annotations

import pytest

from diag.findings.gpu_tracing import allow_gpu_tracing, fixes
from diag.model.device import CuptiAccess

PRIVILEGES = ("PERFMON", "NVreg_Restrict", "SYS_ADMIN", "privileged")


@pytest.mark.parametrize(
    "access",
    [
        CuptiAccess.REFUSED,
        CuptiAccess.REFUSED_AND_IN_USE,
    ],
)
def test_the_fixes_come_in_order_of_privilege(access: CuptiAccess) -> None:
    text = allow_gpu_tracing(access)
    places = [text.index(word) for word in PRIVILEGES]
    assert places == sorted(places)


def test_only_what_helps_is_listed() -> None:
    refused, in_use = map(allow_gpu_tracing, (CuptiAccess.REFUSED, CuptiAccess.IN_USE))
    assert "Nsight" not in refused
    assert "PERFMON" not in in_use


@pytest.mark.parametrize(
    ("access", "advice"),
    [
        (CuptiAccess.REFUSED, "CAP_PERFMON"),
        (CuptiAccess.IN_USE, "dcgmi profile --pause"),
        (CuptiAccess.REFUSED_AND_IN_USE, "dcgmi profile --pause"),
        (CuptiAccess.NOT_LOADED, "extras/CUPTI/lib64"),
        (CuptiAccess.NO_GPU, "nvidia-smi"),
        (CuptiAccess.SILENT, "capture again"),
        (CuptiAccess.NOT_STARTED, "server's log"),
        (CuptiAccess.UNKNOWN, "nvidia-smi"),
    ],
)
def test_each_reason_has_an_advice_of_its_own(access: CuptiAccess, advice: str) -> None:
    assert advice in fixes(access)[0].action


@pytest.mark.parametrize("access", [CuptiAccess.NOT_STARTED, CuptiAccess.UNKNOWN])
def test_without_a_known_error_each_fix_says_for_which_error_it_is(access: CuptiAccess) -> None:
    text = allow_gpu_tracing(access)
    assert text.index("look for CUPTI in the server's log") < text.index("CAP_PERFMON")
    assert "for CUPTI_ERROR_MULTIPLE_SUBSCRIBERS, stop" in text
    assert "for CUPTI_ERROR_INSUFFICIENT_PRIVILEGES, give" in text
    assert "if the server's log says that libcupti could not be loaded" in text


def test_a_refused_tracer_to_the_letter() -> None:
    assert allow_gpu_tracing(CuptiAccess.REFUSED) == (
        "CUPTI refused the server's GPU tracer: (1) with drivers from R565 on, give the container "
        "CAP_PERFMON (--cap-add=PERFMON); (2) reload the NVIDIA module with "
        "NVreg_RestrictProfilingToAdminUsers=0 (no container changes); (3) give the container "
        "CAP_SYS_ADMIN (--cap-add=SYS_ADMIN, or capabilities.add in Kubernetes); (4) as a last "
        "resort, run the container privileged."
    )
