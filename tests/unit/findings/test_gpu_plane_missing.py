"""A GPU of which the trace shows nothing: when that is said, and the reasons told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.findings import find
from diag.model.agreement import AgreementKind, AgreementReason
from diag.model.availability import Unavailable
from diag.model.device import CuptiAccess
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.test_device import KERNEL, founded, shared_gpu, steps

if TYPE_CHECKING:
    from diag.analysis import Analysis

HOST = steps([(10, 980, "gemm", KERNEL)]).split("plane /device")[0]
GPU_THREAD = "line tf_Device_Event_Manager/7\n  ThreadpoolListener::StartRegion 5..5us _c=9\n"
KERNEL_PLANE = f"plane /device:GPU:0\nline Stream #1(Compute)\n  gemm 10..20us {KERNEL}\n"
MESSAGES = {
    "gpu-tracer-refused": "Insufficient privilege to run libcupti (you need root permission).",
    "cupti-not-loaded": "Failed to load libcupti (is it installed and accessible?)",
    "cupti-in-use": "CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED",
}


def test_a_busy_gpu_that_the_trace_lacks_is_said_before_anything_is_guessed_from_the_host() -> None:
    finding = founded(hidden_gpu(CuptiAccess.UNKNOWN))
    assert (finding.id, finding.cause) == ("gpu-plane-missing", "gpu-not-traced")
    assert "/device:GPU:0 was 90% busy by its samples" in finding.what
    assert any("CAP_PERFMON" in remedy.action for remedy in finding.remedies)


@pytest.mark.parametrize(("cause", "message"), MESSAGES.items())
def test_the_tracers_own_error_is_enough_to_say_that_a_gpu_is_missing(
    cause: str, message: str
) -> None:
    finding = founded(analyzed(f"{HOST}\nerror gpu-7: {message}"))
    assert (finding.id, finding.cause) == ("gpu-plane-missing", cause)
    assert any(message in str(item.value) for item in finding.evidence)
    assert len({remedy.action for remedy in finding.remedies}) == len(finding.remedies)


def test_threads_that_wait_for_a_gpu_show_that_the_server_uses_one() -> None:
    finding = founded(analyzed(HOST + GPU_THREAD))
    assert (finding.id, finding.cause) == ("gpu-plane-missing", "gpu-tracer-not-started")
    assert "The server uses a GPU" in finding.what


@pytest.mark.parametrize(
    "text",
    [
        HOST,
        f"{HOST}\nerror gpu-7: No GPU detected.",
        f"{HOST}\nerror the python tracer could not start",
        f"{HOST}plane /device:GPU:0",
        f"{HOST}{KERNEL_PLANE}error gpu-7: Failed to load libcupti (is it installed?)",
    ],
    ids=["nothing", "no GPU", "other tracer", "planes alone", "device events"],
)
def test_without_a_sign_of_a_gpu_at_work_none_is_missing(text: str) -> None:
    assert "gpu-plane-missing" not in {finding.id for finding in find(analyzed(text))}


@pytest.mark.parametrize(
    ("access", "cause", "says"),
    [
        (CuptiAccess.NO_GPU, "server-without-gpu", "found no GPU"),
        (CuptiAccess.SILENT, "gpu-tracer-silent", "reported no error"),
        (CuptiAccess.UNKNOWN, "gpu-not-traced", "No source says why"),
    ],
)
def test_a_busy_gpu_is_told_apart_by_what_is_known_of_the_tracer(
    access: CuptiAccess, cause: str, says: str
) -> None:
    finding = founded(hidden_gpu(access))
    assert (finding.id, finding.cause) == ("gpu-plane-missing", cause)
    assert says in finding.what


def test_a_gpu_that_the_capture_left_out_needs_no_permission() -> None:
    finding = founded(hidden_gpu(CuptiAccess.UNKNOWN, AgreementReason.NOT_REQUESTED))
    assert finding.cause == "gpu-not-requested"
    assert [remedy.action for remedy in finding.remedies] == ["Capture without --no-device-trace."]
    assert finding.rollback == ""


def hidden_gpu(
    access: CuptiAccess, reason: AgreementReason = AgreementReason.NOT_TRACED_UNKNOWN_PROCESS
) -> Analysis:
    """A GPU that samples show busy, without an event in the trace."""
    check = replace(
        shared_gpu(0.9).agreements[0],
        kind=AgreementKind.PLANE_MISSING,
        reason=reason,
        cupti_access=access,
        traced_ratio=Unavailable("no plane"),
        others=(),
    )
    return replace(analyzed(HOST), agreements=(check,))
