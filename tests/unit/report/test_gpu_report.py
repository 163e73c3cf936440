"""What is shown of GPUs: to the letter for one, in short for many, and why there is nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from diag.model.agreement import AgreementKind
from diag.model.availability import Unavailable
from diag.model.caveat import Caveat
from diag.model.device import CuptiAccess, DeviceLoss, LargerBatches
from diag.report.formats._json_document import published_schema
from diag.report.model import Report
from tests.unit.report import factory
from tests.unit.report.factory import make_analysis
from tests.unit.report.gpu_factory import (
    NO_EVENTS,
    make_agreement,
    make_cost,
    make_gpu_analysis,
    make_long_gaps,
    make_silent_device,
)
from tests.unit.report.rendering import (
    between,
    json_of,
    markdown_of,
    text_of,
)

NO_PLANE = (
    "The trace has no GPU plane, so idle time is that of model execution on the CPU. What a GPU "
    "did is not known."
)
NO_PLANE_CAVEAT = Caveat("no-device-plane", (), (("cupti_access", "in-use"),), "allow-gpu-tracing")
GPU_FACTS = (
    ("planes_count", 1),
    ("gpus_count", 1),
    ("is_mig", False),
    ("sampled_sources", ("nvml",)),
    ("sampled_devices", ("Acme Inc. A100 (GPU 0)",)),
    ("busy_ratios", (0.5,)),
    ("is_of_window", True),
    ("cupti_access", "refused"),
)
FIX = (
    "Another profiler uses CUPTI: stop the other profiler (Nsight, or DCGM's profiling metrics: "
    "dcgmi profile --pause), then restart the server: after an error it no longer uses CUPTI."
)


def make_report(name: str = "convnet", devices: int = 1) -> Report:
    return factory.make_report(make_gpu_analysis(name, devices))


def test_one_gpu_to_the_letter():
    assert (
        between(text_of(make_report()), "GPUs", "Requests")
        == """\
GPUs, shares of the window
tracer:     7 device events were lost: busy times are lower bounds.
samples:    Another process uses GPU 0: process 4711 (python3) at 50%. The GPU was 75% busy by NVML,
            34% by this server's kernels, over 96.0 ms. Keep other processes off this GPU, or give
            the server a GPU of its own. [other-process]
device          busy  kernel  copy  memset   idle  starved  no demand  sampled
/device:GPU:0  34.0%   24.0%  9.0%    1.0%  66.0%    26.0%      34.0%    75.0%
  - idle: no kernel, copy or memset ran; starved: requests were open, but their input was not ready

device         model        kernels  copies  copied in  copied out  unlinked
/device:GPU:0  NVIDIA H200    1,200       2   3.00 MiB    4.00 KiB         3"""
    )


def test_the_idle_time_of_one_gpu_to_the_letter():
    assert (
        between(text_of(make_report()), "Idle time of", "Batches")
        == """\
Idle time of /device:GPU:0
Of the window: busy 34.0% (34.0 ms), idle 66.0% (66.0 ms); starved 26.0%, no demand 34.0%.
Idle for 32.0 ms with requests open; without starvation, 260 ms more device time per second.
Confidence in the causes: high for 56.0 ms, medium for 8.00 ms, low for 2.00 ms.
idle because of  starved  idle ms  of window  confidence  other candidate
no-demand        no          34.0      34.0%  high
preprocess       yes         21.0      21.0%  high        queue-fill
launch           no          6.00       6.0%  medium      allocator
queue-executor   yes         5.00       5.0%  high
  - the causes add up to the idle time, 66.0 ms

Longest idle stretches with requests open
no.  device         at ms  idle ms  main cause  open  one request was in  since ms
  1  /device:GPU:0      0     22.0  preprocess    12  preprocess              6.00
  2  /device:GPU:0   60.0     6.00  preprocess     1  launch                  3.00
  - open, one request was in, since: the state in the middle of the stretch"""
    )


def test_costs_kernels_and_ops_to_the_letter():
    assert (
        between(text_of(make_report()), "What convnet costs", "Idle time")
        == """\
What convnet costs on the GPU
A run takes 1.00 ms + 250 µs per row (fitted): larger batches save device time.
quantity                                                value
requests                                                   90
GPU time per request                                   800 µs
kernels per request                                      13.5
copied in per request                                 588 KiB
speed of copies in                                  11.5 GB/s
GPU time of padding rows (at most)                    6.00 ms
share of a run in which the GPU waits for launches      12.5%

GPU time by rows in a run
rows  runs  mean ms  p10 ms  p50 ms  p90 ms
 n/a     3    0.500     n/a     n/a     n/a
   4    30     2.00    1.90    2.00    2.10
   8    12     3.00     n/a    3.00     n/a

Kernels and ops with most GPU time
kernel                                              total ms  events  ops  example op
Eigen::internal::EigenMetaKernel<…scalar_tanh_op…>      14.0     900    1  m:Tanh
gemm                                                    10.0     300    0  n/a

op            total ms  events
convnet:Tanh      14.0     900"""
    )


@pytest.mark.parametrize(("idle_ns", "is_shown"), [(560_000_000, True), (561_000_000, False)])
def test_stretches_that_are_little_of_the_idle_time_are_a_detail(idle_ns, is_shown):
    analysis = make_gpu_analysis()
    idle = tuple(replace(each, idle_ns=idle_ns) for each in analysis.idle)
    report = factory.make_report(replace(analysis, idle=idle))
    assert ("Longest idle stretches" in text_of(report)) is is_shown
    assert "Longest idle stretches" in text_of(report, verbose=True)


def test_what_less_starvation_brings_is_said_where_there_is_some():
    analysis = make_gpu_analysis()
    idle = tuple(replace(each, starved_ns=4_000_000) for each in analysis.idle)
    text = text_of(factory.make_report(replace(analysis, idle=idle)))
    assert "without starvation" not in text


def test_samples_are_shown_by_device():
    text = text_of(make_report())
    assert (
        text[text.index("Other measurements") :]
        == """\
Other measurements during the capture
missing:    metrics, host samples: the source is no bundle
source  device                field                  mean     max
gpu     0 (NVIDIA H200)       utilization_percent     75%     80%
gpu     0 (NVIDIA H200)       power_mw              300 W   300 W
gpu     1 (NVIDIA H200, MIG)  power_mw             90.0 W  90.0 W

source  device           clocks limited by    of samples
gpu     0 (NVIDIA H200)  sw-power-cap             100.0%
gpu     0 (NVIDIA H200)  sw-thermal-slowdown       50.0%

Findings, named in [brackets], are explained in docs/findings/, stages, causes and columns in
docs/attribution.md, limits in docs/caveats.md.
"""
    )


def test_what_could_not_be_sampled_is_a_detail():
    assert "not available in MIG mode" not in text_of(make_report())
    text = text_of(make_report(), verbose=True)
    assert between(text, "Not sampled", "Host ops").splitlines()[1:] == [
        "source  device  field                reason",
        "gpu     1       utilization_percent  not available in MIG mode",
        "gpu     0       gpm_sm_percent       not supported",
        "gpu     1       gpm_sm_percent       not supported",
    ]
    assert "gpu-7:9500" in text


def test_gpus_come_after_the_limits_and_before_the_requests():
    lines = text_of(make_report()).splitlines()
    order = ["confidence:", "Limits", "GPUs", "Requests", "Where", "What", "Kernels", "Idle time"]
    assert [line for line in lines if line.startswith("Requests take")] == lines[2:3]
    starts = [next(i for i, x in enumerate(lines[3:]) if x.startswith(w)) for w in order]
    assert starts == sorted(starts)


def test_without_gpus_nothing_is_printed_of_them():
    text = text_of(factory.make_report(), verbose=True)
    assert "GPU" not in text
    assert not [word for word in ("tracer:", "Kernels", "\nsamples:") if word in text]


def test_that_there_is_no_gpu_plane_stands_below_the_verdict():
    analysis = replace(make_analysis(), caveats=(NO_PLANE_CAVEAT,))
    text = text_of(factory.make_report(analysis), width=400)
    assert text.index("confidence:") < text.index("rollback:") < text.index(NO_PLANE)
    assert f"  - {NO_PLANE} {FIX} [no-device-plane]\n" in text
    assert text.count("no GPU plane") == 1


@pytest.mark.parametrize("code", ["gpu-plane-missing", "gpu-planes-empty"])
def test_a_gpu_that_exists_and_is_not_traced_is_a_doubt_of_the_verdict(code):
    caveat = Caveat(code, (), GPU_FACTS, "allow-gpu-tracing")
    report = factory.make_report(replace(make_analysis(), caveats=(caveat,)))
    (part,) = report.caveats
    assert part.advice.startswith("CUPTI refused")
    assert "Acme Inc. A100 (GPU 0) 50%" in part.text
    (confidence,) = [n.text for n in report.section("verdict").notes if n.label == "confidence"]
    assert confidence.endswith(f" [batch-timeout-dominates]. {part.text}")
    assert "CUPTI refused" not in markdown_of(report, summary=True)


def test_two_gpus_have_a_table_each_and_the_longest_gaps_together():
    text = text_of(make_report(devices=2))
    assert text.count("\nIdle time of /device:GPU:") == 2
    assert text.count("\nsamples: ") == 3  # one each, and once what to do
    gaps = between(text, "Longest", "  - open, ").splitlines()[2:]
    assert [tuple(line.split()[1:3]) for line in gaps] == [
        ("/device:GPU:0", "0"),
        ("/device:GPU:1", "0"),
        ("/device:GPU:0", "60.0"),
        ("/device:GPU:1", "60.0"),
    ]


def test_many_gpus_share_a_table_and_one_line_for_all_samples_that_agree():
    analysis = make_gpu_analysis(devices=8)
    checks = [make_agreement(d.name, AgreementKind.AGREE) for d in analysis.devices[:7]]
    checks.append(make_agreement(analysis.devices[7].name))
    text = text_of(factory.make_report(replace(analysis, agreements=tuple(checks))))
    table = between(text, "Idle time of all devices", "Longest").splitlines()
    assert len(table) == 2 + 8
    assert table[1:3] == [
        "device         main cause  of idle  idle ms",
        "/device:GPU:0  no-demand     51.5%     34.0",
    ]
    assert "Idle time of /device" not in text
    lines = [line for line in text.splitlines() if line.startswith("samples:")]
    assert len(lines) == 2
    assert lines[0].startswith("samples:    NVML and the trace agree on GPU 0, GPU 1, ")
    assert lines[1].startswith("samples:    Another process uses GPU 7: process 4711 ")
    assert len(between(text, "Longest", "  - open, ").splitlines()) == 2 + 5


def test_long_gaps_without_an_open_request_are_details():
    analysis = replace(make_gpu_analysis(), longest_gaps=make_long_gaps()[:1])
    report = factory.make_report(analysis)
    assert "Longest" not in text_of(report)
    assert "Longest" in text_of(report, verbose=True)


def test_gpu_planes_without_events_show_no_number():
    silent = tuple(make_silent_device(f"/device:GPU:{i}") for i in range(2))
    loss = DeviceLoss(0, (), ("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES",), NO_EVENTS)
    analysis = replace(
        make_analysis(), devices=silent, device_clock=NO_EVENTS, device_loss=loss, agreements=()
    )
    report = factory.make_report(analysis)
    lines = between(text_of(report), "GPUs", "Requests").splitlines()
    assert lines[:2] == [
        "GPUs, shares of the window",
        "n/a: a refused tracer and an unused GPU look alike",
    ]
    assert "busy" not in "".join(lines)
    assert "%" not in "".join(lines)
    assert "CUPTI_ERROR_INSUFFICIENT_PRIVILEGES" in text_of(report, verbose=True)
    jsonschema.validate(json.loads(json_of(report)), json.loads(published_schema()))


def test_samples_of_gpus_that_the_trace_does_not_have_are_shown_where_they_would_be():
    missing = replace(
        make_agreement("NVIDIA H200", AgreementKind.PLANE_MISSING),
        traced_ratio=Unavailable("no plane"),
        cupti_access=CuptiAccess.IN_USE,
    )
    report = factory.make_report(replace(make_analysis(), agreements=(missing,)))
    assert between(text_of(report, width=300), "GPUs", "Requests") == (
        "GPUs, by their samples\n"
        "samples:    NVIDIA H200 was 75% busy by NVML over the window, but the trace has no event "
        f"of it. {FIX} [plane-missing]"
    )


def test_what_to_do_about_several_gpus_is_said_once():
    missing = replace(
        make_agreement("Acme Inc. A100", AgreementKind.PLANE_MISSING),
        cupti_access=CuptiAccess.IN_USE,
    )
    checks = tuple(replace(missing, device=f"Acme Inc. A100 (GPU {i})") for i in range(3))
    report = factory.make_report(replace(make_analysis(), agreements=checks))
    assert between(text_of(report, width=200), "GPUs", "Requests").splitlines()[1:] == [
        *(
            f"samples:    Acme Inc. A100 (GPU {i}) was 75% busy by NVML over the window, but the "
            "trace has no event of it. [plane-missing]"
            for i in range(3)
        ),
        f"samples:    {FIX}",
    ]


def test_advice_that_a_limit_gives_is_not_repeated_with_the_samples():
    missing = make_agreement("Acme Inc. A100 (GPU 0)", AgreementKind.PLANE_MISSING)
    caveat = Caveat("no-device-plane", (), (("cupti_access", "in-use"),), "allow-gpu-tracing")
    for agreements in ((missing,), (missing, replace(missing, device="Acme Inc. A100 (GPU 1)"))):
        analysis = replace(make_analysis(), agreements=agreements, caveats=(caveat,))
        # The verdict is about something else, so the advice is not there either.
        text = text_of(factory.make_report(analysis), width=400)
        assert text.count(FIX) == 1
        assert f"{FIX} [no-device-plane]" in text


def test_a_check_with_nothing_known_still_says_its_sentence():
    why = Unavailable("no sample lies within the window")
    check = replace(
        make_agreement(kind=AgreementKind.TOO_COARSE),
        traced_ratio=why,
        sampled_ratio=why,
        tolerance_ratio=why,
        overlap_ns=0,
        resolution_ns=why,
        averaging=why,
        clock_error_ns=why,
        others=(),
    )
    text = text_of(factory.make_report(replace(make_gpu_analysis(), agreements=(check,))))
    assert "NVML cannot check GPU 0: no sample lies within the window. [too-coarse]\n" in text
    row = next(line for line in text.splitlines() if line.startswith("/device:GPU:0  "))
    assert row.split()[-1] == "n/a"


def test_a_cost_of_which_little_is_known_shows_what_there_is():
    why = Unavailable("one batch size only")
    cost = replace(
        make_cost(),
        curve=make_cost().curve[:1],
        fixed_ns=why,
        per_row_ns=why,
        larger_batches=why,
        bytes_in_per_request=why,
        in_gb_per_s=why,
        padding_ns=why,
        launch_bound_score=why,
    )
    analysis = replace(make_gpu_analysis(), device_costs=(cost,), kernels=(), device_ops=())
    report = factory.make_report(analysis)
    assert between(text_of(report), "What convnet", "Idle time").splitlines()[1:] == [
        "quantity               value",
        "requests                  90",
        "GPU time per request  800 µs",
        "kernels per request     13.5",
    ]
    assert report.table("device_time_by_rows").rows[0]["mean_ns"] == 500_000


@pytest.mark.parametrize(
    ("fixed_ms", "per_row_ms", "larger", "line"),
    [
        (1.0, 0.25, None, "1.00 ms + 250 µs per row (fitted)."),
        (
            2.0,
            None,
            LargerBatches.NEARLY_FREE,
            "2.00 ms whatever its rows: larger batches are nearly free.",
        ),
        (
            0.02,
            0.25,
            LargerBatches.SAVE_NOTHING,
            "20.0 µs + 250 µs per row (fitted): larger batches save almost nothing.",
        ),
        (
            -0.02,
            0.25,
            LargerBatches.SAVE_SOME,
            "250 µs per row (fitted): larger batches save device time.",
        ),
    ],
)
def test_the_fit_and_what_larger_batches_do(fixed_ms, per_row_ms, larger, line):
    why = Unavailable("no")
    cost = replace(
        make_cost(),
        fixed_ns=fixed_ms * 1e6,
        per_row_ns=why if per_row_ms is None else per_row_ms * 1e6,
        larger_batches=larger or why,
    )
    report = factory.make_report(replace(make_gpu_analysis(), device_costs=(cost,)))
    (said,) = [each for each in text_of(report).splitlines() if each.startswith("A run takes")]
    assert said == f"A run takes {line}"


def test_of_many_batch_sizes_the_most_frequent_are_shown_in_order():
    point = make_cost().curve[1]
    curve = tuple(replace(point, rows=rows, runs=100 - rows) for rows in range(1, 21))
    analysis = replace(make_gpu_analysis(), device_costs=(replace(make_cost(), curve=curve),))
    text = between(text_of(factory.make_report(analysis)), "GPU time by rows", "Kernels")
    assert [line.split()[0] for line in text.splitlines()[2:10]] == list("12345678")
    assert "the 8 most frequent of 20 sizes" in text
