"""Gains of batching parameters: by simulation where it fits, against what servers did later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import find
from diag.findings.simulated_gain import with_simulated_gains
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Gain, Setting
from diag.testing.gpu_server import SCENARIOS, simulate
from diag.testing.gpu_server.plan import Load
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import sessions

LIVE = Path(__file__).parents[2] / "recordings" / "live"


def _live(name: str) -> Analysis:
    return analyze(open_bundle(LIVE / f"{name}.zip"))


@pytest.mark.parametrize(
    ("name", "reached_ms"),
    [
        ("b_timeout", 1.7),
        ("closed_timeout", 25.7),
        ("b_onethread", 21.3 / 1.47),  # 32 clients: 47 % more requests, each so much faster
    ],
)
def test_the_range_holds_what_the_server_reached(name: str, reached_ms: float) -> None:
    gain = find(_live(name))[0].gain
    assert isinstance(gain, Gain)
    assert gain.method.startswith("Simulated ")
    assert gain.low / 1e6 < reached_ms < gain.high / 1e6


def test_the_setting_with_the_larger_gain_comes_first() -> None:
    # Measured: max_batch_size 8 -> 32 47 %, a second thread 7 %, which the simulation does not see.
    analysis = _live("b_onethread")
    found = find(analysis)[0]
    larger, *others = found.remedies
    thread = replace(larger, action="A thread.", setting=Setting("num_batch_threads", 1, 2))
    turned = replace(found, remedies=(thread, larger, *others), rollback="")
    (again,) = with_simulated_gains(analysis, (turned,))
    assert again.remedies == (larger, *others)
    (rejected,) = again.not_advised
    assert rejected.remedy == thread
    assert rejected.reason.startswith("in a simulation, mean latency does not fall: 21.3 ms")
    assert again.rollback == "Set max_batch_size back to 8."
    assert again.gain == found.gain


def test_settings_that_help_are_all_advised() -> None:
    analysis = _live("b_onethread")
    found = find(analysis)[0]
    larger, *others = found.remedies
    smaller = replace(larger, action="Half.", setting=Setting("max_batch_size", 8, 16))
    turned = replace(found, remedies=(smaller, larger, *others))
    (again,) = with_simulated_gains(analysis, (turned,))
    assert {*again.remedies[:2]} == {larger, smaller}
    assert again.remedies[2:] == tuple(others)
    assert again.not_advised == ()


def test_where_no_setting_helps_none_is_advised() -> None:
    analysis = _live("b_onethread")
    found = find(analysis)[0]
    larger, *others = found.remedies
    thread = replace(larger, action="A thread.", setting=Setting("num_batch_threads", 1, 2))
    (alone,) = with_simulated_gains(analysis, (replace(found, remedies=(thread,)),))
    assert (alone.remedies, alone.verify, alone.rollback) == ((), (), "")
    assert isinstance(alone.gain, Unavailable)
    assert [each.remedy for each in alone.not_advised] == [thread]
    (rest,) = with_simulated_gains(analysis, (replace(found, remedies=(thread, *others)),))
    assert rest.remedies == tuple(others)
    assert rest.verify == found.verify
    assert rest.rollback == "Undo the change."


def test_refused_requests_are_what_a_full_queue_gains() -> None:
    gain = find(_live("b_overload2"))[0].gain
    assert isinstance(gain, Gain)
    assert gain.metric == "requests.failed"
    assert gain.high < gain.now / 2  # measured: none refused, with another timeout as well


@pytest.mark.parametrize("seed", [1, 2])
def test_one_signature_for_all_clients_against_a_server_that_has_one(seed: int) -> None:
    plan = SCENARIOS["signature-fragmentation"].plan
    model = plan.models[0]
    together = replace(model, load=Load(rate_per_s=2 * model.load.rate_per_s))
    rerun = analyze(simulate(replace(plan, models=(together,)), seed).capture()).requests
    reached_ns = float((rerun.end_ns - rerun.start_ns)[rerun.complete].mean())
    finding = find(analyze(simulate(plan, seed).capture()))[0]
    assert finding.id == "signature-fragmentation"
    assert str(finding.remedies[0].setting) == "signatures called: 2 → 1"
    assert isinstance(finding.gain, Gain)
    assert finding.gain.low < reached_ns < finding.gain.high


def test_a_bound_from_recorded_waits_says_why_it_is_not_simulated() -> None:
    slow = sessions(12, taken=8100, run=(8110, 12_400), end=12_500, period=20_000)
    gain = find(analyzed(slow, BatchingParameters(8, 8000, num_batch_threads=1)))[0].gain
    assert isinstance(gain, Gain)
    assert gain.method.endswith(
        "Not simulated: 12 complete batched requests with known rows were recorded, 30 are needed."
    )
