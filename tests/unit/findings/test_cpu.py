"""Advice to use more cores looks at the CPU samples of the same window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import analyze
from diag.analysis.cpu import cpu_busy
from diag.findings import conclude, find
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Finding, RemedyKind, RemedyPlace, Source
from diag.model.samples import SampleSeries
from tests.unit.analysis.traces import QUEUE_A, capture_of
from tests.unit.findings.servers import AT_ONCE, IDLE_END, sessions, unfounded_numbers

WAITING_FOR_A_THREAD = f"""
line grpc-1
  BatchingSessionRun 0..1000us
    ScheduleOutputTask 0..1us size=1 _p={QUEUE_A + 1}
line grpc-2
  BatchingSessionRun 5..1200us
    ScheduleOutputTask 6..7us size=1 _p={QUEUE_A + 2}
line b/1
  ProcessBatch 10..1000us batch_size_before_padding=1 _c={QUEUE_A + 1}
    SessionRun 12..990us id=1 _p=1
  ProcessBatch 1010..1190us batch_size_before_padding=1 _c={QUEUE_A + 2}
    SessionRun 1015..1180us id=2 _p=2
line tf_Compute/1
  ExecutorState::Process 12..990us id=1 _c=1
  ExecutorState::Process 1015..1180us id=2 _c=2
"""


def sampled(text: str, cpu_percent: float | None) -> tuple[Finding, ...]:
    capture = capture_of(text).with_batching_parameters(AT_ONCE)
    if cpu_percent is not None:
        samples = tuple({"unix_ns": i, "cpu_percent": cpu_percent} for i in range(3))
        series = SampleSeries("host", 50_000_000, {"cpu_percent": "%"}, samples)
        capture = replace(capture, host_samples=series)
    return find(analyze(capture))


def first(text: str, cpu_percent: float | None) -> Finding:
    finding = sampled(text, cpu_percent)[0]
    for remedy in finding.remedies:
        values = () if remedy.setting is None else (remedy.setting.now, remedy.setting.to)
        proposed = [Evidence("", v, "", Source("")) for v in values if isinstance(v, int)]
        assert not unfounded_numbers(remedy.action, (*finding.evidence, *proposed))
    return finding


def test_with_free_cores_more_threads_are_the_advice_and_the_load_is_named() -> None:
    finding = first(WAITING_FOR_A_THREAD, 40.0)
    assert finding.id == "batch-threads-saturated"
    assert finding.remedies[0].action == (
        "Run more batches in parallel: num_batch_threads 1 → 2 (the machine's CPU is 40% busy)."
    )
    assert finding.rollback == "Set num_batch_threads back to 1."


def test_without_a_free_core_more_threads_are_not_advised() -> None:
    finding = first(WAITING_FOR_A_THREAD, 97.0)
    (remedy, *others) = finding.remedies
    assert (remedy.kind, remedy.place) == (RemedyKind.DEPLOYMENT, RemedyPlace.FLEET)
    assert "the machine's CPU is 97% busy" in remedy.action
    assert all("num_batch_threads" not in each.action for each in (remedy, *others))
    assert finding.rollback == "Remove the replica again."


def test_without_samples_the_condition_is_part_of_the_advice() -> None:
    assert first(WAITING_FOR_A_THREAD, None).remedies[0].action.endswith(", if CPU cores are free.")


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (sessions(burst=(700, 880)), "--tensorflow_inter_op_parallelism"),
        (sessions(ops="d:DecodeJpeg {1}..{7}us\n"), "num_batch_threads"),
    ],
    ids=["executor", "preprocess"],
)
def test_a_full_machine_takes_threads_out_of_every_advice(text: str, flag: str) -> None:
    assert any(flag in remedy.action for remedy in first(text, 50.0).remedies)
    assert all(flag not in remedy.action for remedy in first(text, 95.0).remedies)


def test_other_processes_that_fill_the_machine_are_part_of_the_verdict() -> None:
    capture = capture_of(sessions(4, period=1300)).with_batching_parameters(AT_ONCE)
    units = {"cpu_percent": "%", "server_cpu_percent": "% of one core"}

    def doubt(server_percent: float) -> str:
        sample = {"unix_ns": 0, "cpu_percent": [98.0, 98.0], "server_cpu_percent": server_percent}
        series = SampleSeries("host", 50_000_000, units, (sample,))
        analysis = analyze(replace(capture, host_samples=series))
        verdict = conclude(analysis, find(analysis))
        assert not unfounded_numbers(verdict.sentence, verdict.evidence)
        return verdict.doubt

    assert doubt(103.0) == (
        "Other processes use the machine's CPU too: it is 98% busy, and the server uses 1.03 of 2 "
        "cores."
    )
    assert doubt(150.0) == ""


def test_the_load_is_unavailable_without_host_samples() -> None:
    analysis = analyze(capture_of(WAITING_FOR_A_THREAD))
    assert cpu_busy(analysis) == Unavailable("the server's machine was not sampled")


@pytest.mark.parametrize(
    ("refused", "cpu_percent", "against"),
    [
        ("", None, ""),
        ("", 89.0, ""),
        ("", 90.0, "The machine's CPU is 90% busy: requests would wait for a core."),
        (
            "line refusing\n  BatchingSessionRun 2000..2001us _p=91\n",
            89.0,
            "1 request failed: clients ask for more than is served.",
        ),
    ],
)
def test_spare_capacity_is_claimed_only_where_nothing_contradicts_it(
    refused: str, cpu_percent: float | None, against: str
) -> None:
    findings = sampled(sessions() + refused + IDLE_END.format(9000), cpu_percent)
    finding = next(each for each in findings if each.id == "no-demand")
    assert ("The server has spare capacity" in finding.what) == (not against)
    assert ("run fewer replicas" in finding.remedies[0].action) == (not against)
    if against:
        assert finding.confidence_reason == against
        assert not unfounded_numbers(against, finding.evidence)
