"""Each outcome of the comparison of samples with the trace, to the letter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.model.agreement import (
    Agreement,
    AgreementKind,
    AgreementReason,
    Averaging,
    AveragingKind,
    OtherProcess,
)
from diag.model.availability import Unavailable
from diag.model.device import CuptiAccess
from diag.report.wording.agreements import (
    advise_agreement,
    describe_agreeing,
    describe_agreement,
    describe_averaging,
)

MS = 1_000_000
Kind, Reason = AgreementKind, AgreementReason
BASE = Agreement(
    device="/device:GPU:0",
    source="nvml",
    kind=Kind.AGREE,
    reason=Reason.WITHIN_TOLERANCE,
    traced_ratio=0.5,
    sampled_ratio=0.9,
    tolerance_ratio=0.11,
    doubt_ratio=0.6,
    overlap_ns=2000 * MS,
    resolution_ns=200 * MS,
    averaging=Averaging(AveragingKind.DRIVER_SAMPLES, 200 * MS, 200 * MS, 200 * MS),
    clock_error_ns=MS,
    involved=(OtherProcess(77, "python3", 0.35, 1),),
    dropped_events=1234,
)
BUSY = "90% busy by NVML, 50% by this server's kernels, over 2.00 s"
NO = Unavailable("no sample lies within the window")
UNTRACED = replace(
    BASE, device="Acme Inc. A100 (GPU 0)", traced_ratio=NO, tolerance_ratio=NO, averaging=NO
)


def of(kind: AgreementKind, reason: AgreementReason, base: Agreement = BASE) -> Agreement:
    return replace(base, kind=kind, reason=reason)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (
            of(Kind.AGREE, Reason.WITHIN_TOLERANCE),
            (
                f"Samples and trace agree on GPU 0: {BUSY} (within 11 points; the driver's own "
                "samples, 200 ms apart; copies do not count)."
            ),
        ),
        (
            of(Kind.AGREE, Reason.SHORT_GAPS),
            (
                "Samples and trace agree on GPU 0 if gaps of less than 50.0 µs between kernels "
                f"count as busy: {BUSY} (within 11 points; the driver's own samples, 200 ms apart; "
                "copies do not count)."
            ),
        ),
        (
            of(Kind.AGREE, Reason.SM_ACTIVITY),
            (
                "The SM activity of GPU 0 is not above the trace: 90% by NVML, kernels for 50% of "
                "2.00 s (within 11 points; the driver's own samples, 200 ms apart)."
            ),
        ),
        (
            of(Kind.OTHER_PROCESS, Reason.OTHERS_WORK_TOO),
            f"Another process uses GPU 0: process 77 (python3) at 35%. The GPU was {BUSY}.",
        ),
        (
            of(Kind.TRACE_TRUNCATED, Reason.EVENTS_DROPPED),
            f"The trace of GPU 0 is not complete, as the tracer dropped 1,234 events: {BUSY}.",
        ),
        (
            of(Kind.TRACE_TRUNCATED, Reason.ENDS_EARLY),
            (
                "The trace of GPU 0 is not complete, as its last event is long before the samples "
                f"become idle: {BUSY}."
            ),
        ),
        (
            of(Kind.TOO_COARSE, Reason.CLOCKS_TOO_LOOSE),
            (
                "NVML cannot check GPU 0: the clocks leave the traced share open by 60 points (the "
                "driver's own samples, 200 ms apart)."
            ),
        ),
        (
            replace(of(Kind.TOO_COARSE, Reason.NO_SAMPLE_IN_WINDOW), sampled_ratio=NO),
            (
                "NVML cannot check GPU 0: no sample lies within the window (the driver's own "
                "samples, 200 ms apart)."
            ),
        ),
        (
            replace(
                of(Kind.TOO_COARSE, Reason.NOT_PAIRED, UNTRACED), sampled_ratio=NO, source="dcgm"
            ),
            (
                "The DCGM exporter cannot check Acme Inc. A100 (GPU 0): no sample lies within the "
                "window."
            ),
        ),
        (
            of(Kind.DISAGREE, Reason.TRACE_ABOVE_SAMPLES),
            (
                f"Samples and trace disagree on GPU 0: {BUSY}. The samples may be of another GPU, "
                "or a clock was set during the capture."
            ),
        ),
        (
            of(Kind.DISAGREE, Reason.PROCESSES_UNKNOWN),
            (
                f"Samples and trace disagree on GPU 0: {BUSY}. Which processes used the GPU is not "
                "known."
            ),
        ),
        (
            of(Kind.DISAGREE, Reason.OTHERS_TOO_SMALL),
            (
                f"Samples and trace disagree on GPU 0: {BUSY}. Process 77 (python3) at 35% cannot "
                "explain the difference."
            ),
        ),
        (
            of(Kind.DISAGREE, Reason.OTHERS_IDLE),
            (
                f"Samples and trace disagree on GPU 0: {BUSY}. The other processes hold memory but "
                "did no sampled work."
            ),
        ),
        (
            of(Kind.DISAGREE, Reason.NO_OTHERS),
            f"Samples and trace disagree on GPU 0: {BUSY}. No other process was seen on the GPU.",
        ),
        (
            of(Kind.DISAGREE, Reason.SERVER_UNKNOWN),
            (
                f"Samples and trace disagree on GPU 0: {BUSY}. Whether process 77 (python3) at 35% "
                "is the server or another process is not known."
            ),
        ),
        (
            of(Kind.DISAGREE, Reason.SHARES_UNKNOWN),
            (
                f"Samples and trace disagree on GPU 0: {BUSY}. The driver does not report how busy "
                "each process was."
            ),
        ),
        (
            replace(of(Kind.AGREE, Reason.GPU_IDLE, UNTRACED), sampled_ratio=0.0),
            (
                "Acme Inc. A100 (GPU 0) was 0% busy by NVML over the window, and the trace has no "
                "event of it: no work is missing."
            ),
        ),
        (
            of(Kind.OTHER_PROCESS, Reason.ONLY_OTHERS_WORK, UNTRACED),
            (
                "Acme Inc. A100 (GPU 0) was 90% busy by NVML over the window, by process 77 "
                "(python3) at 35%. The server did no sampled work on it."
            ),
        ),
        (
            of(Kind.PLANE_MISSING, Reason.NOT_REQUESTED, UNTRACED),
            (
                "Acme Inc. A100 (GPU 0) was 90% busy by NVML over the window, and the capture left "
                "GPUs out of the trace."
            ),
        ),
        (
            replace(of(Kind.PLANE_MISSING, Reason.NOT_TRACED, UNTRACED), clock_error_ns=NO),
            (
                "Acme Inc. A100 (GPU 0) was 90% busy by NVML over all samples (their clock is not "
                "related to the trace's), but the trace has no event of it."
            ),
        ),
        (
            replace(
                of(Kind.PLANE_MISSING, Reason.NOT_TRACED_UNKNOWN_PROCESS, UNTRACED),
                source="agent",
                tracer_error="CUPTI_ERROR_UNKNOWN",
            ),
            (
                "Acme Inc. A100 (GPU 0) was 90% busy by the agent's NVML over the window, but the "
                "trace has no event of it. Which process did that work is not known. The tracer "
                "reported: CUPTI_ERROR_UNKNOWN."
            ),
        ),
    ],
)
def test_an_outcome_is_said_with_its_numbers_and_its_reason(item, text):
    assert describe_agreement(item) == text


def test_several_processes_are_named_as_far_as_there_is_room():
    involved = tuple(OtherProcess(pid, NO, 0.1, NO) for pid in range(1, 6))
    text = describe_agreement(
        replace(of(Kind.OTHER_PROCESS, Reason.OTHERS_WORK_TOO), involved=involved)
    )
    assert text.startswith(
        "Other processes use GPU 0: process 1 at 10%, process 2 at 10%, process 3 at 10% and 2 "
        "more. The GPU was 90% busy"
    )


def test_gpus_that_agree_share_a_sentence():
    assert describe_agreeing("nvml", ["/device:GPU:0", "/device:GPU:1"]) == (
        "NVML and the trace agree on GPU 0, GPU 1."
    )


@pytest.mark.parametrize("reason", AgreementReason)
def test_every_reason_has_a_sentence(reason):
    kinds = {
        **dict.fromkeys((Reason.NOT_PAIRED, Reason.NOT_SAMPLED), Kind.TOO_COARSE),
        **dict.fromkeys((Reason.CLOCK_NOT_RELATED, Reason.NO_SAMPLE_IN_WINDOW), Kind.TOO_COARSE),
    }
    text = describe_agreement(replace(BASE, kind=kinds.get(reason, Kind.DISAGREE), reason=reason))
    assert "GPU 0" in text
    assert text.endswith(".")


@pytest.mark.parametrize(
    ("remedy", "text"),
    [
        ("", ""),
        ("trace-gpus", "Capture without --no-device-trace."),
        ("capture-longer", "Capture for longer (--duration)."),
        ("capture-shorter", "Capture for a shorter time, or under less load."),
        (
            "dedicate-gpu",
            "Keep other processes off this GPU, or give the server a GPU of its own.",
        ),
        (
            "allow-gpu-tracing",
            (
                "Another profiler uses CUPTI: stop the other profiler (Nsight, or DCGM's profiling "
                "metrics: dcgmi profile --pause), then restart the server: after an error it no "
                "longer uses CUPTI."
            ),
        ),
    ],
)
def test_a_remedy_says_what_to_do(remedy, text):
    item = replace(BASE, remedy=remedy, cupti_access=CuptiAccess.IN_USE)
    assert advise_agreement(item) == text


@pytest.mark.parametrize(
    ("averaging", "text"),
    [
        (
            Averaging(AveragingKind.DRIVER_SAMPLES, 20 * MS, 20 * MS, 167 * MS),
            "the driver's own samples, 20.0 ms apart, each over up to 167 ms",
        ),
        (
            Averaging(AveragingKind.DRIVER_PERIOD, 50 * MS, 167 * MS, 1000 * MS),
            "averages over the driver's period, somewhere from 167 ms to 1.00 s",
        ),
        (
            Averaging(AveragingKind.SM_ACTIVITY, 200 * MS, 200 * MS, 200 * MS),
            "SM activity between samples, 200 ms apart",
        ),
        (
            Averaging(AveragingKind.EXPORTER_INTERVAL, 1000 * MS, 800 * MS, 1200 * MS),
            "the exporter collects every 1.00 s, by the times its values change",
        ),
        (
            Averaging(AveragingKind.EXPORTER_PERIOD, 1000 * MS, 167 * MS, 1000 * MS),
            (
                "the exporter collects every 1.00 s, by the times its values change, each value "
                "over one period of the driver (167 ms to 1.00 s)"
            ),
        ),
        (NO, ""),
    ],
)
def test_what_a_sample_averages_over_is_said(averaging, text):
    assert describe_averaging(averaging) == text
