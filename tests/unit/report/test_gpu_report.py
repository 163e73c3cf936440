"""What is shown of GPUs: to the letter for one, in short for many, and why there is nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diag.model.agreement import AgreementKind
from diag.model.availability import Unavailable
from diag.model.caveat import Caveat
from diag.model.device import CuptiAccess, DeviceClock, DeviceLoss, LargerBatches
from diag.report.build import build_report
from diag.report.json import published_schema, render_json
from diag.report.markdown import render_markdown
from diag.report.report import Report
from diag.report.text import render_text
from tests.unit.report.factory import make_analysis, make_verdict
from tests.unit.report.gpu_factory import (
    DEVICE,
    NO_EVENTS,
    make_agreement,
    make_cost,
    make_gpu_analysis,
    make_long_gaps,
    make_silent_device,
)
from tests.unit.report.test_renderers import (
    HOSTILE_NAMES,
    OWN_FIGURES,
    figures,
    is_printable,
    shown_forms,
)

NO_PLANE_CAVEAT = Caveat("no-device-plane", (), (("cupti_access", "in-use"),), "allow-gpu-tracing")
NO_PLANE = (
    "The trace has no GPU plane, so idle time is that of model execution on the CPU. What a GPU "
    "did is not known."
)
FIX = (
    "Another profiler uses CUPTI: stop the other profiler (Nsight, or DCGM's profiling metrics: "
    "dcgmi profile --pause)."
)


def make_report(name: str = "convnet", devices: int = 1) -> Report:
    return build_report(make_gpu_analysis(name, devices), make_verdict())


def shown(report: Report, width: int = 100) -> str:
    return render_text(report, color=False, width=width)


def between(text: str, first: str, last: str) -> str:
    """From the line that begins with ``first`` up to the one that begins with ``last``."""
    lines = text.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = next(i for i, line in enumerate(lines) if line.startswith(last))
    return "\n".join(lines[begin:end]).strip("\n")


def test_one_gpu_to_the_letter():
    assert (
        between(shown(make_report()), "GPUs", "Caveats")
        == """\
GPUs, shares of the window
device          busy  kernel  copy  memset   idle  starved  no demand  sampled
/device:GPU:0  34.0%   24.0%  9.0%    1.0%  66.0%    26.0%      34.0%    75.0%
  - /device:GPU:0 (NVIDIA H200): 1,200 kernels, 2 copies, 1 memset; 3.00 MiB copied in; 4.00 KiB
    copied out; 3 of no recorded step
tracer:     7 device events were dropped: busy times are lower bounds
samples:    Another process uses the GPU. [other-process; clocks within 200 µs]

Idle time of /device:GPU:0
idle 66.0 ms, of it 32.0 ms with requests open; fed without a break, it would win back 260 ms a
second; confidence high 56.0 ms, medium 8.00 ms, low 2.00 ms
idle because of  starved  idle ms  of window  sure    or else
no-demand        no          34.0      34.0%  high
preprocess       yes         21.0      21.0%  high    queue-fill
launch           no          6.00       6.0%  medium  allocator
queue-executor   yes         5.00       5.0%  high
longest:    with requests open; times from the window's start
  - at 0 ns, 22.0 ms: preprocess 17.0 ms, queue-executor 5.00 ms; 12 requests open: preprocess for
    6.00 ms (tf_Compute), open for 11.0 ms
  - at 60.0 ms, 6.00 ms: preprocess 4.00 ms, launch 2.00 ms; 1 request open: launch for 3.00 ms
    (tf_Compute)"""
    )


def test_costs_kernels_and_ops_to_the_letter():
    assert (
        between(shown(make_report()), "What convnet costs", "Batches")
        == """\
What convnet costs on the GPU: 90 requests
rows in a run  runs  mean ms   p10   p50   p90
          n/a     3    0.500   n/a   n/a   n/a
            4    30     2.00  1.90  2.00  2.10
            8    12     3.00   n/a  3.00   n/a
  - a request: 800 µs of device time, 13.5 kernels, 588 KiB in at 11.5 GB/s
  - a run takes 1.00 ms + 250 µs x rows, fitted
  - padding rows took at most 6.00 ms of device time
  - launch-bound score 12.5%: the part of runs in which the GPU had nothing of theirs to do while
    the host was launching
kernels:    with most device time
  - Eigen::internal::EigenMetaKernel<…scalar_tanh_op…> 14.0 ms (900 events, m:Tanh)
  - gemm 10.0 ms (300 events)
GPU ops:    with most device time
  - convnet:Tanh 14.0 ms (900 events)"""
    )


def test_samples_are_shown_by_device_and_what_is_missing_once():
    text = shown(make_report())
    assert (
        text[text.index("gpu:  ") :]
        == """\
gpu:        2 samples, one every 50.0 ms, taken by gpu-7:9500; sampling took 0.5% of a core
  - 0 (NVIDIA H200): utilization_percent mean 75%, max 80%; power_mw mean 300 W, max 300 W; 2 more
    fields in the JSON report; clocks held down by sw-power-cap in 100.0% of samples; clocks held
    down by sw-thermal-slowdown in 50.0% of samples
  - 1 (NVIDIA H200, MIG): power_mw mean 90.0 W, max 90.0 W
missing:    utilization_percent of 1: not available in MIG mode
missing:    gpm_sm_percent of 0, 1: not supported
missing:    metrics, host: the source is no bundle
"""
    )


def test_gpus_come_right_after_the_verdict_and_before_the_requests():
    lines = shown(make_report()).splitlines()
    order = ["because:", "GPUs", "samples:", "Idle time", "Caveats", "Capture", "Where", "What"]
    starts = [next(i for i, line in enumerate(lines) if line.startswith(w)) for w in order]
    assert starts == sorted(starts)


def test_without_gpus_nothing_is_printed_of_them():
    text = shown(build_report(make_analysis(), make_verdict()))
    assert "GPU" not in text.replace("gpu", "").replace("no device plane", "")
    assert not [word for word in ("longest:", "kernels:", "samples:", "sure") if word in text]


def test_what_cannot_be_known_is_the_first_line_and_said_once():
    caveat = replace(NO_PLANE_CAVEAT, remedy="")
    analysis = replace(make_analysis(), caveats=(caveat,))
    report = build_report(analysis, make_verdict())
    text = shown(report, 160)
    assert text.startswith(f"not known:  {NO_PLANE} [no-device-plane]\nRequests wait")
    assert text.count("no GPU plane") == 1
    assert "Caveats\nnone other\n" in text
    markdown = render_markdown(report)
    assert markdown.startswith(f"- **not known:** {NO_PLANE} \\[no-device-plane\\]\n\n**Requests")


def test_what_to_do_about_it_stands_with_the_caveats():
    analysis = replace(make_analysis(), caveats=(NO_PLANE_CAVEAT,))
    text = shown(build_report(analysis, make_verdict()), 300)
    assert text.startswith(f"not known:  {NO_PLANE} [no-device-plane]\n")
    assert f"Caveats\n  - {NO_PLANE} {FIX} [no-device-plane]\n" in text


def test_two_gpus_have_a_table_each_and_the_longest_gaps_together():
    text = shown(make_report(devices=2))
    assert text.count("\nIdle time of /device:GPU:") == 2
    assert text.count("\nsamples: ") == 2
    longest = between(text, "longest:", "Caveats").splitlines()[1:]
    starts = [line for line in longest if line.startswith("  - ")]
    assert [line.split(",")[0] for line in starts] == [
        "  - /device:GPU:0 at 0 ns",
        "  - /device:GPU:1 at 0 ns",
        "  - /device:GPU:0 at 60.0 ms",
        "  - /device:GPU:1 at 60.0 ms",
    ]


def test_many_gpus_share_a_table_and_one_line_for_all_samples_that_agree():
    analysis = make_gpu_analysis(devices=8)
    checks = [make_agreement(d.name, AgreementKind.AGREE) for d in analysis.devices[:7]]
    checks.append(make_agreement(analysis.devices[7].name))
    text = shown(build_report(replace(analysis, agreements=tuple(checks)), make_verdict()))
    table = between(text, "GPUs", "tracer:").splitlines()
    assert len(table) == 2 + 8 + 1
    assert table[1:3] == [
        "device          busy   idle  starved  no demand  sampled  of idle, mostly",
        "/device:GPU:0  34.0%  66.0%    26.0%      34.0%    75.0%  no-demand 51.5%",
    ]
    assert "Idle time of" not in text
    lines = [line for line in text.splitlines() if line.startswith("samples:")]
    assert len(lines) == 2
    assert lines[0].startswith("samples:    nvml agrees with the trace on /device:GPU:0, ")
    assert lines[1].startswith("samples:    Other work runs on GPU 7: process 4711 ")
    assert len(between(text, "longest:", "Caveats").split("  - ")) == 1 + 5


def test_long_gaps_in_which_nobody_waited_are_not_listed():
    analysis = replace(make_gpu_analysis(), longest_gaps=make_long_gaps()[:1])
    assert "longest:" not in shown(build_report(analysis, make_verdict()))


def test_gpu_planes_without_events_show_no_number():
    silent = tuple(make_silent_device(f"/device:GPU:{i}") for i in range(2))
    loss = DeviceLoss(0, (), ("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES",), NO_EVENTS)
    analysis = replace(
        make_analysis(), devices=silent, device_clock=NO_EVENTS, device_loss=loss, agreements=()
    )
    report = build_report(analysis, make_verdict())
    assert between(shown(report), "GPUs", "Caveats") == (
        "GPUs, shares of the window\n/device:GPU:0, /device:GPU:1: n/a: "
        "a refused tracer and an unused GPU look alike"
    )
    assert report.device_clock.early == NO_EVENTS
    assert "(model execution on the CPU)\n" in shown(report)
    jsonschema.validate(json.loads(render_json(report)), json.loads(published_schema()))


def test_samples_of_gpus_that_the_trace_does_not_have_are_shown_where_they_would_be():
    missing = replace(
        make_agreement("NVIDIA H200", AgreementKind.PLANE_MISSING),
        traced_ratio=Unavailable("no plane"),
        cupti_access=CuptiAccess.IN_USE,
    )
    report = build_report(replace(make_analysis(), agreements=(missing,)), make_verdict())
    text = shown(report, 300)
    assert between(text, "GPUs", "Caveats") == (
        "GPUs, by their samples\n"
        "samples:    NVIDIA H200 was 75% busy by NVML over the window, but the trace has no event "
        f"of it. {FIX} [plane-missing; clocks within 200 µs]"
    )


def test_what_to_do_about_several_gpus_is_said_once():
    missing = replace(
        make_agreement("Acme Inc. A100", AgreementKind.PLANE_MISSING),
        cupti_access=CuptiAccess.IN_USE,
    )
    checks = tuple(replace(missing, device=f"Acme Inc. A100 (GPU {i})") for i in range(3))
    analysis = replace(make_analysis(), agreements=checks, caveats=(NO_PLANE_CAVEAT,))
    text = shown(build_report(analysis, make_verdict()), 200)
    assert text.startswith(f"not known:  {NO_PLANE} [no-device-plane]\n")
    assert between(text, "GPUs", "Capture").splitlines()[1:] == [
        *(
            f"samples:    Acme Inc. A100 (GPU {i}) was 75% busy by NVML over the window, but the "
            "trace has no event of it. [plane-missing; clocks within 200 µs]"
            for i in range(3)
        ),
        f"samples:    {FIX}",
        "",
        "Caveats",
        "none other",
    ]


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
    text = shown(build_report(replace(make_gpu_analysis(), agreements=(check,)), make_verdict()))
    assert "NVML cannot check GPU 0: no sample lies within the window. [too-coarse]\n" in text
    assert between(text, "/device:GPU:0", "  - /device").split()[-1] == "n/a"


def test_a_cost_of_which_little_is_known_shows_what_there_is():
    why = Unavailable("one batch size only")
    cost = replace(
        make_cost(),
        curve=make_cost().curve[:1],
        fixed_ns=why,
        per_row_ns=why,
        bytes_in_per_request=why,
        padding_ns=why,
        launch_bound_score=why,
    )
    analysis = replace(make_gpu_analysis(), device_costs=(cost,), kernels=(), device_ops=())
    text = between(shown(build_report(analysis, make_verdict())), "What convnet", "Batches")
    assert text.splitlines()[2:] == [
        "          n/a     3    0.500  n/a  n/a  n/a",
        "  - a request: 800 µs of device time, 13.5 kernels",
    ]


@pytest.mark.parametrize(
    ("fixed_ms", "per_row_ms", "effect", "line"),
    [
        (1.0, 0.25, LargerBatches.SAVE_SOME, "1.00 ms + 250 µs x rows, fitted"),
        (
            2.0,
            None,
            LargerBatches.NEARLY_FREE,
            "2.00 ms whatever its rows: bigger batches are nearly free",
        ),
        (
            2.0,
            0.01,
            LargerBatches.NEARLY_FREE,
            "2.00 ms + 10.0 µs x rows, fitted: bigger batches are nearly free",
        ),
        (
            -0.02,
            0.25,
            LargerBatches.SAVE_NOTHING,
            "250 µs x rows, fitted: bigger batches save next to nothing",
        ),
        (2.0, 0.01, Unavailable("sizes too alike"), "2.00 ms + 10.0 µs x rows, fitted"),
    ],
)
def test_what_larger_batches_do_is_said_where_it_is_known(fixed_ms, per_row_ms, effect, line):
    per_row = Unavailable("no") if per_row_ms is None else per_row_ms * 1e6
    cost = replace(make_cost(), fixed_ns=fixed_ms * 1e6, per_row_ns=per_row, larger_batches=effect)
    text = shown(build_report(replace(make_gpu_analysis(), device_costs=(cost,)), make_verdict()))
    (said,) = [each for each in text.splitlines() if "a run takes" in each]
    assert said.split("a run takes ")[1] == line


def test_of_many_batch_sizes_the_most_frequent_are_shown_in_order():
    point = make_cost().curve[1]
    curve = tuple(replace(point, rows=rows, runs=100 - rows) for rows in range(1, 21))
    analysis = replace(make_gpu_analysis(), device_costs=(replace(make_cost(), curve=curve),))
    text = between(shown(build_report(analysis, make_verdict())), "What convnet", "kernels:")
    assert [line.split()[0] for line in text.splitlines()[2:10]] == list("12345678")
    assert "the 8 most frequent of 20 sizes; diag export --table costs has all" in text


@pytest.mark.parametrize("devices", [1, 3])
@pytest.mark.parametrize("width", [80, 120])
def test_gpus_keep_within_the_width(devices, width):
    text = shown(make_report(devices=devices), width)
    assert max(map(len, text.splitlines())) <= width


def test_colour_is_left_out_where_it_is_not_wanted():
    assert "\x1b" not in shown(make_report())
    assert "\x1b[" in render_text(make_report(), color=True, width=100)


@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_every_figure_shown_is_in_the_json(kind):
    report = make_report()
    page = shown(report) if kind == "text" else render_markdown(report).replace("\\", "")
    known = shown_forms(json.loads(render_json(report))) | OWN_FIGURES
    assert len(figures(page)) > 120
    assert [figure for figure in figures(page) if figure not in known] == []


def test_text_and_markdown_show_the_same_figures():
    report = make_report()
    markdown = render_markdown(report).replace("\\", "")
    assert sorted(figures(shown(report, 160))) == sorted(figures(markdown))


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_only_text(name):
    report = make_report(name)
    text = shown(report, 80)
    assert is_printable(text)
    assert len(text) < 40_000
    markdown = render_markdown(report)
    assert is_printable(markdown)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    html, benign = parser.render(markdown), parser.render(render_markdown(make_report()))
    for element in ("<td", "<li", "<h2", "<script", "<a ", "<img", "<code"):
        assert html.count(element) == benign.count(element)


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_whole_and_harmless_in_json(name):
    text = render_json(make_report(name))
    assert is_printable(text)
    assert "</" not in text
    document = json.loads(text)
    expected = name.encode("utf-8", "backslashreplace").decode()
    assert document["kernels"][0]["name"] == expected
    assert document["devices"][0]["device"] == expected
    jsonschema.validate(document, json.loads(published_schema()))


@settings(max_examples=25)
@given(name=st.text(st.characters(exclude_categories=[]), min_size=1, max_size=80))
def test_any_name_goes_through_every_renderer(name):
    report = make_report(name)
    assert is_printable(shown(report, 80))
    assert is_printable(render_markdown(report))
    jsonschema.validate(json.loads(render_json(report)), json.loads(published_schema()))


def test_json_reads_back_as_the_same_report():
    report = make_report(devices=2)
    assert msgspec.json.decode(render_json(report), type=Report) == report


def test_a_clock_that_is_off_is_in_the_json():
    analysis = replace(make_gpu_analysis(), device_clock=DeviceClock(10, 2, 1500))
    document = json.loads(render_json(build_report(analysis, make_verdict())))
    assert document["device_clock"] == {"linked": 10, "early": 2, "error_ns": 1500}
    assert document["device_loss"]["dropped"] == 7
    assert document["devices"][0]["device"] == DEVICE
