"""Large answers, by the GPU's copies or by the server's metrics."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.findings.ranking import not_looked_for
from diag.model.availability import Unavailable
from diag.model.finding import Finding
from diag.model.samples import MetricSample, MetricsPair
from tests.unit.analysis.traces import analyzed, capture_of
from tests.unit.findings.gpu_traces import COPY_IN, KERNEL, gpu_runs
from tests.unit.findings.servers import AT_ONCE, sessions, unfounded_numbers

SERVING, CORE = ":tensorflow:serving:", ":tensorflow:core:graph_run_"


def copying(size: int, begin: int = 405) -> str:
    """Runs of 990 µs that compute until ``begin``, and then copy ``size`` bytes back."""
    details = f'memcpy_details="kind_src:device kind_dst:pageable size:{size} dest:0 async:0"'
    return gpu_runs(
        [
            (5, 20, "MemcpyH2D", COPY_IN),
            (25, begin - 5, "gemm", KERNEL),
            (begin, 960, "MemcpyD2H", details),
        ]
    )


def page(count: int, *, outside_us: float, size_in: float, size_out: float) -> MetricsPair:
    """A model's page before and after ``count`` answers of 1 ms, with their bytes."""

    def at(n: int) -> tuple[MetricSample, ...]:
        labels = (("model_name", "m"), ("API", "Predict"))
        values = (
            ("request_count", (("model_name", "m"), ("status", "OK")), n),
            ("request_latency_sum", labels, n * (1000 + outside_us)),
            ("request_latency_count", labels, n),
            ("runtime_latency_sum", labels, n * 1000),
            ("runtime_latency_count", labels, n),
        )
        served = (MetricSample(f"{SERVING}{name}", key, float(v)) for name, key, v in values)
        sizes = (("input_tensor_bytes_sum", size_in), ("output_tensor_bytes_sum", size_out))
        return (*served, *(MetricSample(f"{CORE}{name}", (), n * size) for name, size in sizes))

    return MetricsPair(at(0), at(count))


def measured(*, outside_us: float = 3000, size_in: float = 1e5, size_out: float = 9e5) -> Analysis:
    """Forty batched requests of 1 ms, most of it in the model, with a metrics page."""
    capture = capture_of(sessions(40)).with_batching_parameters(AT_ONCE)
    pair = page(40, outside_us=outside_us, size_in=size_in, size_out=size_out)
    return analyze(replace(capture, metrics=pair))


def egress(analysis: Analysis) -> Finding | None:
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    return next((each for each in findings if each.id == "egress-heavy"), None)


def test_large_outputs_copied_from_the_gpu() -> None:
    analysis = analyzed(copying(1 << 20))
    found = egress(analysis)
    assert found is not None
    assert found.what == (
        "Requests spend 59% of their time after the model: 586 µs copying, splitting and "
        "returning outputs of 1.00 MiB a request."
    )
    assert "output_filter" in found.remedies[0].action
    assert not {"sync-bound", "transfer-bound"} & {each.id for each in find(analysis)}


def test_time_outside_the_run_counts_by_the_bytes_of_outputs() -> None:
    found = egress(measured())
    assert found is not None
    # 90 % of the bytes are outputs: 2.7 of 3 ms, and 60 µs after the batch's run.
    assert found.at_stake_ns == pytest.approx(2_760_000)
    assert "about 2.70 ms encoding them outside Session::Run" in found.what


@pytest.mark.parametrize(
    "analysis",
    [
        analyzed(copying(65_535)),
        analyzed(copying(1 << 20, begin=700)),  # less than 0.3 of the time
        measured(outside_us=300),
        measured(size_in=9e5, size_out=1e5),  # inputs, not outputs
        measured(size_in=1e3, size_out=9e3),
    ],
    ids=["small copies", "short", "little outside", "inputs", "small outputs"],
)
def test_small_or_quick_answers_are_none(analysis: Analysis) -> None:
    assert egress(analysis) is None


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (Unavailable("not scraped"), "not scraped"),
        (
            MetricsPair((), (MetricSample(f"{SERVING}request_count", (), 1.0),)),
            "the metrics page does not count the bytes of in- and outputs",
        ),
    ],
)
def test_without_the_size_of_outputs_it_says_so(
    metrics: MetricsPair | Unavailable, reason: str
) -> None:
    analysis = analyze(replace(capture_of(sessions(4)), metrics=metrics))
    assert egress(analysis) is None
    assert dict(not_looked_for(analysis))["egress-heavy"] == reason


def test_bytes_that_the_page_prints_too_coarsely_are_not_known() -> None:
    pair = page(40, outside_us=3000, size_in=1e5, size_out=9e5)
    coarse = tuple(
        replace(each, step=1e9) if each.name.startswith(CORE) else each for each in pair.after
    )
    analysis = analyze(replace(capture_of(sessions(40)), metrics=MetricsPair(pair.before, coarse)))
    assert egress(analysis) is None
    reason = dict(not_looked_for(analysis))["egress-heavy"]
    assert reason == "the metrics page prints the bytes of in- and outputs too coarsely"
