"""Each caveat to the letter: what is limited and why, with its number, and what to do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import diag
from diag.model.availability import Unavailable
from diag.model.caveat import Caveat, Fact, recorded_caveat
from diag.report.wording.caveats import SENTENCES, advise_caveat, describe_caveat
from diag.report.wording.remedies import REMEDIES
from tests.unit.report.wording.request_cases import REQUEST_CASES

MS = 1_000_000
S = 1000 * MS
NVML_SAW = (
    ("sampled_sources", ("nvml",)),
    ("sampled_devices", ("Acme Inc. A100 (GPU 0)",)),
    ("busy_ratios", (0.63,)),
    ("is_of_window", True),
)
NOTHING_SAMPLED: tuple[tuple[str, Fact], ...] = (
    ("sampled_sources", ()),
    ("sampled_devices", ()),
    ("busy_ratios", ()),
    ("is_of_window", True),
)
CASES: list[tuple[str, tuple[tuple[str, Fact], ...], str]] = [
    *REQUEST_CASES,
    (
        "bare-trace",
        (),
        (
            "The source is a trace alone: there are no host samples, GPU samples, server metrics "
            "or model status for its window."
        ),
    ),
    (
        "dropped-events",
        (("messages", ("7 lost", "8 lost")),),
        "Events were lost while recording, so times are lower bounds: 7 lost (and 1 more)",
    ),
    (
        "tracer-errors",
        (("messages", ("CUPTI_ERROR_UNKNOWN",)),),
        "A tracer of the server failed: CUPTI_ERROR_UNKNOWN",
    ),
    ("tracer-warnings", (("messages", ("slow",)),), "A tracer of the server warned: slow"),
    (
        "window-end-unknown",
        (("after_last_event_ns", 1500 * MS),),
        (
            "The recording went on for 1.50 s after its last event. The trace does not say for how "
            "long it was planned, so that time is not part of the window."
        ),
    ),
    (
        "python-not-sampled",
        (("reason", "no stack sampler answers at the next port (6010)"),),
        (
            "Python functions not sampled: no stack sampler answers at the next port (6010). What "
            "Python does between calls of the model is not known."
        ),
    ),
    (
        "metrics-unreadable",
        (("reason", "line 1 is no sample"),),
        "The server's metrics cannot be read: line 1 is no sample.",
    ),
    (
        "batching-parameters-unreadable",
        (("reason", "line 3: expected a number"),),
        (
            "The batching parameters that the bundle recorded cannot be used: line 3: expected a "
            "number."
        ),
    ),
    (
        "tracer-level-1",
        (),
        (
            "Recorded at tracer level 1: the stages of a batch's run and the splitting of its "
            "output count as compute, unbatched requests are not recorded, and idle time without "
            "demand only means that no batched request was open."
        ),
    ),
    (
        "unbatched-not-recorded",
        (("tracer_level", 1),),
        (
            "The number of requests is not known: at tracer level 1 unbatched requests are not "
            "recorded."
        ),
    ),
    (
        "unbatched-not-recorded",
        (("tracer_level", Unavailable("the trace does not say")),),
        (
            "The trace shows work but no TensorFlow Serving request: it is of another program, "
            "such as a training job, or was recorded at tracer level 1, which hides unbatched "
            "requests."
        ),
    ),
    (
        "window-too-short",
        (
            ("model", "resnet"),
            ("statistic", "p99"),
            ("latency_ns", 450 * MS),
            ("window_ns", 2 * S),
            ("needed_window_ns", 2250 * MS),
        ),
        (
            "The window of 2.00 s is shorter than 5 times the p99 of resnet (450 ms), so long "
            "requests are recorded less often than they occur."
        ),
    ),
    (
        "window-too-short",
        (
            ("model", "resnet"),
            ("statistic", "mean"),
            ("latency_ns", 450.5 * MS),
            ("window_ns", 2 * S),
            ("needed_window_ns", 2252.5 * MS),
        ),
        (
            "The window of 2.00 s is shorter than 5 times the mean latency of resnet (450 ms), so "
            "long requests are recorded less often than they occur."
        ),
    ),
    (
        "contradicted-parameters",
        (
            ("source", "file"),
            ("queues", ("a:1", "b:1")),
            ("queues_count", 3),
            ("queue_of_each", ("a:1", "a:1", "b:1")),
            ("parameters", ("batch_timeout_micros", "num_batch_threads", "allowed_batch_sizes")),
            ("given", ("0", "8", "[5, 32]")),
            ("origins", ("default", "file", "file")),
            ("conflicts", ("waited-longer", "fewer-threads", "padded-otherwise")),
            ("observed", (8400.0, 1.0, 8.0)),
            ("rows", (0.0, 0.0, 3.0)),
            ("more_count", 2),
            ("is_function", False),
            ("instead", "estimates"),
        ),
        (
            "The batching parameters given contradict the trace of a:1, b:1: a:1: "
            "batch_timeout_micros is 0 by default, but batches waited 8.40 ms (p50) with a batch "
            "thread free; num_batch_threads is 8, but ready batches waited while only 1 batch "
            "thread had work; b:1: allowed_batch_sizes is [5, 32], but batches of 3 rows were "
            "executed with 8; and 2 more. They are not used there: the values are estimated from "
            "the trace. Was the server restarted after the file was edited? Is it the file of "
            "another server? With --enable_per_model_batching_parameters models have a "
            "batching_params.pbtxt of their own, and this file does not apply to them."
        ),
    ),
    (
        "batching-not-in-force",
        (("requests_count", 127),),
        (
            "Batching parameters are given, but the trace shows no batching: 127 requests ran "
            "without. The server runs without --enable_batching, or with --platform_config_file, "
            "which makes that flag ineffective; or the models lack the batching_params.pbtxt that "
            "--enable_per_model_batching_parameters needs; or the file is of another server."
        ),
    ),
    (
        "estimated-parameters",
        (("parameters", ("batch_timeout_micros", "num_batch_threads")),),
        (
            "Estimated from the trace: batch_timeout_micros, num_batch_threads. The split of "
            "queueing into fill, thread and dispatch depends on these values."
        ),
    ),
    (
        "gpu-planes-empty",
        (("planes_count", 2), *NOTHING_SAMPLED, ("cupti_access", "unknown")),
        (
            "The trace has 2 GPU planes without any event: the GPU was not used, or could not be "
            "traced. What a GPU did is not known."
        ),
    ),
    (
        "gpu-plane-missing",
        (("gpus_count", 1), ("is_mig", False), *NVML_SAW, ("cupti_access", "refused")),
        (
            "1 GPU was sampled, but the trace has no GPU plane, so idle time is that of model "
            "execution on the CPU. Sampled utilization over the window, by NVML: Acme Inc. A100 "
            "(GPU 0) 63%."
        ),
    ),
    (
        "gpu-plane-missing",
        (("gpus_count", 2), ("is_mig", True), *NOTHING_SAMPLED, ("cupti_access", "unknown")),
        (
            "2 GPUs were sampled, but the trace has no GPU plane, so idle time is that of model "
            "execution on the CPU. What a GPU did is not known, because NVML gives no utilization "
            "in MIG mode."
        ),
    ),
    (
        "gpu-plane-missing",
        (
            ("gpus_count", Unavailable("the samples name no GPU")),
            ("is_mig", False),
            ("sampled_sources", ("agent",) * 6 + ("dcgm",)),
            ("sampled_devices", (*(f"L4 (GPU {n})" for n in range(6)), "L4 (GPU 0)")),
            ("busy_ratios", (0.1,) * 7),
            ("is_of_window", False),
            ("cupti_access", "unknown"),
        ),
        (
            "GPUs were sampled, but the trace has no GPU plane, so idle time is that of model "
            "execution on the CPU. Sampled utilization over all samples (their clock is not "
            "related to the trace's), by the agent's NVML: L4 (GPU 0) 10%, L4 (GPU 1) 10%, L4 (GPU "
            "2) 10%, L4 (GPU 3) 10% and 2 more; by the DCGM exporter: L4 (GPU 0) 10%."
        ),
    ),
    (
        "no-device-plane",
        (("cupti_access", "unknown"),),
        (
            "The trace has no GPU plane, so idle time is that of model execution on the CPU. What "
            "a GPU did is not known."
        ),
    ),
    (
        "dcgm-engine-stuck",
        (("sampled_devices", ("NVIDIA L4 (GPU 0)",)),),
        (
            "Two values of the DCGM exporter contradict each other on NVIDIA L4 (GPU 0): "
            "GR_ENGINE_ACTIVE is 0 all the time, although GPU_UTIL shows work. DCGM's profiling "
            "module has stopped, so that GPU_UTIL is used, and other profiling values of this GPU "
            "are not to be trusted."
        ),
    ),
    (
        "device-events-dropped",
        (("dropped_count", 1234), ("reasons", ("a", "b")), ("known_until_ns", 1230 * MS)),
        (
            "The GPU tracer lost 1,234 events (a; b): device time is a lower bound, and nothing is "
            "known after 1.23 s."
        ),
    ),
    (
        "device-events-dropped",
        (("dropped_count", 1), ("reasons", ("a",)), ("known_until_ns", Unavailable("none"))),
        "The GPU tracer lost 1 event (a): device time is a lower bound.",
    ),
    (
        "profiler-overhead",
        (("overhead_ratio", 0.1),),
        "The GPU tracer itself took 10% of the window: times and gaps are longer than without it.",
    ),
    (
        "gpu-traced-late",
        (("untraced_ns", 900_000_000), ("traced_ns", 96_000_000), ("window_ns", 996_000_000)),
        (
            "GPUs were traced in the last 96.0 ms of the window only: what they did in the first "
            "900 ms (90%) is not known. Shares of GPU time are of the traced part."
        ),
    ),
    (
        "device-not-analysed",
        (
            ("planes_count", 1),
            ("planes", ("/device:TPU:0",)),
            ("models", ()),
            ("events_count", 1),
        ),
        (
            "The trace has 1 plane of devices that are no GPUs: /device:TPU:0, with 1 event. diag "
            "does not analyse them: how busy they were is not known."
        ),
    ),
    (
        "device-clock-error",
        (("early_count", 12), ("linked_count", 1200), ("error_ns", 12_500)),
        (
            "12 of 1,200 device events seem to begin before the host launched them, by up to 12.5 "
            "µs: the GPU's clock is off by at least that, and causes of shorter gaps are not "
            "certain. Times are shown as recorded."
        ),
    ),
    (
        "device-events-unlinked",
        (("unlinked_count", 70), ("events_count", 1000)),
        (
            "70 of 1,000 device events (7%) belong to no recorded run: they count as busy time of "
            "their GPU, but in no stage of a request."
        ),
    ),
]


@pytest.mark.parametrize(("code", "facts", "text"), CASES)
def test_a_caveat_says_what_is_limited_and_why(code, facts, text):
    assert describe_caveat(Caveat(code, (), facts)) == text


def test_every_sentence_is_tested_to_the_letter():
    assert {code for code, _, _ in CASES} == set(SENTENCES)


@pytest.mark.parametrize(
    ("remedy", "facts", "text"),
    [
        ("", (), ""),
        ("trace-gpus", (), "Capture without --no-device-trace."),
        ("capture-again", (), "Capture again: later batches have ids of their own."),
        (
            "capture-again-warm",
            (),
            "Capture again: the first capture of a server also pays for starting CUPTI.",
        ),
        ("capture-bundle", (), "Record a bundle with diag capture to have them."),
        ("capture-longer", (), "Capture for longer (--duration)."),
        (
            "capture-longer",
            (("needed_window_ns", 2250 * MS),),
            "Capture for longer: --duration 3s or more.",
        ),
        (
            "capture-longer-at-level-2",
            (),
            (
                "Runs cut by the window, work outside a run, or tracer level 1 cause this: capture "
                "for longer, with --host-tracer-level 2."
            ),
        ),
        ("capture-shorter", (), "Capture for a shorter time, or under less load."),
        (
            "give-batching-parameters",
            (),
            "Pass the server's file for exact values: --batching-parameters FILE.",
        ),
        ("tracer-level-2", (), "Capture with --host-tracer-level 2."),
    ],
)
def test_a_remedy_says_what_to_do(remedy, facts, text):
    assert advise_caveat(Caveat("any", (), facts, remedy)) == text


def test_the_fix_for_a_refused_tracer_goes_by_what_cupti_reported():
    caveat = Caveat("any", (), (("cupti_access", "in-use"),), "allow-gpu-tracing")
    assert advise_caveat(caveat) == (
        "Another profiler uses CUPTI: stop the other profiler (Nsight, or DCGM's profiling "
        "metrics: dcgmi profile --pause), then restart the server: after an error it no longer "
        "uses CUPTI."
    )


def test_a_recorded_caveat_keeps_its_text_and_a_newer_code_is_no_error():
    text = "The recording was ended early, by Ctrl-C or a signal."
    assert describe_caveat(recorded_caveat("interrupted", text)) == text
    assert describe_caveat(recorded_caveat("from-2030", "Flux was low.")) == "Flux was low."
    assert advise_caveat(recorded_caveat("from-2030", "Flux was low.")) == ""
    assert describe_caveat(Caveat("from-2030", ())) == "from-2030: this diag has no text for it."


def test_facts_that_do_not_fit_their_sentence_are_an_error():
    with pytest.raises(TypeError, match="fact cut_count of caveat many-censored is '12'"):
        describe_caveat(Caveat("many-censored", (), (("cut_count", "12"),)))


def test_every_caveat_and_remedy_of_the_code_has_words():
    """Read from the source: a caveat that no test makes would fail in front of a user."""
    codes, remedies = set(), set()
    for path in Path(diag.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Caveat":
                codes |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
                given = [*node.args[3:], *(k.value for k in node.keywords if k.arg == "remedy")]
                remedies |= {a.value for a in given if isinstance(a, ast.Constant)}
    assert codes
    assert codes <= set(SENTENCES)
    assert remedies - {""} <= set(REMEDIES)
