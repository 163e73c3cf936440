"""What became of the latency, and what speaks against comparing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from diag.comparison import Comparison, compare
from diag.comparison.circumstances import most_open
from diag.comparison.result import Outcome
from diag.model.availability import Unavailable
from diag.model.gaps import IDLE_CAUSES
from tests.unit.analysis.traces import analyzed
from tests.unit.comparison.servers import served

if TYPE_CHECKING:
    from diag.analysis import Analysis


def times(mean_us: int, count: int = 400, *, seed: int = 0, slow_us: int = 0) -> list[int]:
    """Times around a mean, ± 20 %; every twentieth is slower by ``slow_us``."""
    rng = np.random.default_rng(seed)
    found = rng.uniform(0.8 * mean_us, 1.2 * mean_us, count).astype(int)
    found[::20] += slow_us
    return [int(time) for time in found]


def compared(before: list[int], after: list[int], *, period_us: int = 1000) -> Comparison:
    return compare([served(before)], [served(after, period_us=period_us)])


def test_faster_requests_are_better_and_slower_ones_worse() -> None:
    assert compared(times(600), times(400, seed=1)).outcome is Outcome.BETTER
    assert compared(times(400), times(600, seed=1)).outcome is Outcome.WORSE


def test_two_draws_of_one_server_show_no_difference() -> None:
    seen = [
        compared(times(500, seed=seed), times(500, seed=100 + seed)).outcome for seed in range(20)
    ]
    assert seen.count(Outcome.NO_DIFFERENCE_SEEN) >= 19


def test_a_faster_mean_with_slower_slow_requests_is_both() -> None:
    comparison = compared(times(600, 1000), times(400, 1000, seed=1, slow_us=500))
    assert comparison.outcome is Outcome.MIXED


def test_the_interval_holds_the_difference_and_is_about_as_wide_as_theory_says() -> None:
    comparison = compared(times(500), times(550, seed=1))
    change = comparison.change("latency.mean")
    assert not isinstance(change, Unavailable)
    assert isinstance(change.low, float)
    assert isinstance(change.high, float)
    assert isinstance(change.difference, float)
    assert change.low < change.difference < change.high
    # A uniform distribution of ± 20 % has a deviation of 0.4 / sqrt(12) of its mean.
    deviation_ns = 0.4 / np.sqrt(12) * np.hypot(500_000, 550_000) / np.sqrt(400)
    assert 0.7 < (change.high - change.low) / (2 * 2.576 * deviation_ns) < 1.4


def test_a_change_too_small_to_matter_is_no_difference_however_sure() -> None:
    comparison = compared([500] * 400, [505] * 400)
    change = comparison.change("latency.mean")
    assert not isinstance(change, Unavailable)
    assert change.low == change.high == 5000
    assert comparison.outcome is Outcome.NO_DIFFERENCE_SEEN


def test_a_side_without_requests_cannot_be_compared() -> None:
    empty = analyzed("line a\n  Something 0..900us\n")
    for sides in (([empty], [served([500] * 20)]), ([served([500] * 20)], [empty])):
        comparison = compare(*sides)
        assert comparison.outcome is Outcome.NOT_COMPARABLE
        assert comparison.main is None


def test_windows_of_very_different_lengths_are_compared() -> None:
    short = analyzed("line grpc\n  SessionRun 0..1us id=1 _p=1\n")
    long = served(times(400), period_us=100_000)
    assert compare([short], [long]).obstacle == "fewer than 50 requests on a side"
    assert compare([long], [long]).outcome is Outcome.NO_DIFFERENCE_SEEN


def test_few_requests_have_no_interval_and_no_outcome() -> None:
    comparison = compared([500] * 5, [900] * 5)
    change = comparison.change("latency.mean")
    assert not isinstance(change, Unavailable)
    assert change.difference == 400_000
    assert change.low == Unavailable("fewer than 50 requests on a side")
    assert comparison.outcome is Outcome.NOT_COMPARABLE
    assert comparison.obstacle == "fewer than 50 requests on a side"


def test_a_percentile_needs_requests_beyond_it() -> None:
    comparison = compared(times(500, 400), times(500, 400, seed=1))
    p99, p90 = comparison.change("latency.p99"), comparison.change("latency.p90")
    assert not isinstance(p99, Unavailable)
    assert not isinstance(p90, Unavailable)
    assert p99.low == Unavailable("400 requests, 500 needed")
    assert isinstance(p90.low, float)


def test_a_drift_over_the_whole_capture_has_no_interval() -> None:
    rising = [200 + i for i in range(500)]
    comparison = compared(rising, rising)
    assert comparison.outcome is Outcome.NOT_COMPARABLE
    assert "over too long a time" in comparison.obstacle


def test_no_side_is_empty() -> None:
    with pytest.raises(ValueError, match="each side needs a capture"):
        compare([], [served([500])])


def test_the_window_that_would_show_a_change_follows_the_square_root_law() -> None:
    short = compared(times(500, 120), times(500, 120, seed=1)).wanted_window_ns
    long = compared(times(500, 480), times(500, 480, seed=1)).wanted_window_ns
    assert isinstance(short, int)
    assert isinstance(long, int)
    assert 0.5 < short / long < 2  # the same server needs the same length


def test_captures_of_a_side_are_pooled() -> None:
    halves = [served(times(500, 200, seed=s)) for s in (1, 2)]
    comparison = compare(halves, [served(times(500, 400, seed=3))])
    assert comparison.before.requests == 400
    assert comparison.before.window_ns == sum(h.capture.window.duration_ns for h in halves)
    both = np.concatenate([h.requests.duration_ns for h in halves])
    change = comparison.change("latency.mean")
    assert not isinstance(change, Unavailable)
    assert change.before == both.mean()


def test_stages_add_up_to_the_mean_on_both_sides() -> None:
    comparison = compared(times(600), times(400, seed=1))
    for side in ("before", "after"):
        stages = [getattr(c, side) for c in comparison.changes if c.metric.startswith("stage.")]
        mean = comparison.change("latency.mean")
        assert sum(stages) == pytest.approx(getattr(mean, side))


def test_idle_and_busy_time_fill_the_window() -> None:
    comparison = compared(times(600), times(400, seed=1))
    names = {f"idle.{cause.value}" for cause in IDLE_CAUSES} | {"device.busy"}
    for side in ("before", "after"):
        ratios = [getattr(c, side) for c in comparison.changes if c.metric in names]
        assert sum(ratios) == pytest.approx(1.0)


def differing(comparison: Comparison) -> dict[str, str]:
    return {c.name: c.consequence for c in comparison.circumstances if c.differs is True}


def test_a_difference_of_load_is_said() -> None:
    comparison = compared(times(400), times(400, seed=1), period_us=2000)
    assert "may come from that alone" in differing(comparison)["load"]


def test_clients_that_wait_for_answers_are_no_difference_of_load() -> None:
    comparison = compared(times(900), times(450, seed=1), period_us=500)
    assert differing(comparison) == {}
    load = next(c for c in comparison.circumstances if c.name == "load")
    assert "Clients that wait for each answer" in load.consequence


def test_what_a_side_does_not_show_is_not_known() -> None:
    comparison = compared(times(400), times(400, seed=1))
    unknown = {c.name for c in comparison.circumstances if isinstance(c.differs, Unavailable)}
    assert unknown == {"rows of a request", "models", "requests by model", "CPU cores"}


def test_the_same_captures_give_the_same_intervals() -> None:
    first, second = (compared(times(600), times(400, seed=1)) for _ in range(2))
    assert first.changes == second.changes


def named(models: dict[str, tuple[int, int]]) -> Analysis:
    """Requests of models: how many, and the µs of each; all of one server, one after the other."""
    text, at = "line grpc\n", 0
    for model, (count, time) in models.items():
        for _ in range(count):
            text += f"  SessionRun {at}..{at + time}us id={at} _p={at + 1} model_id={model}:1\n"
            at += 1000
    return analyzed(f"{text}\nline end\n  Something 0..{at}us\n")


def test_another_mix_of_models_is_said() -> None:
    before = named({"quick": (80, 200), "slow": (20, 800)})
    after = named({"quick": (40, 200), "slow": (60, 800)})
    comparison = compare([before], [after])
    assert "move by that alone" in differing(comparison)["requests by model"]
    mix = next(c for c in comparison.circumstances if c.name == "requests by model")
    assert (mix.before, mix.after) == ("quick 80%, slow 20%", "quick 40%, slow 60%")


def test_other_models_cannot_be_compared() -> None:
    comparison = compare([named({"a": (80, 200)})], [named({"b": (80, 900)})])
    assert comparison.outcome is Outcome.NOT_COMPARABLE
    assert comparison.obstacle == "no model served requests on both sides"


def test_time_before_the_tracer_of_a_gpu_is_not_busy() -> None:
    def gpu(first: int) -> Analysis:
        text = "plane /host:CPU\nline grpc\n"
        device = f"plane /device:GPU:0\nline Stream #1(Compute) at={first * 1000}us\n"
        for i in range(100):
            text += f"  SessionRun {i * 1000}..{i * 1000 + 500}us id={i} _p={i + 1}\n"
        for i in range(first, 100):
            device += f"  k {i * 1000 + 100}..{i * 1000 + 300}us\n"
        return analyzed(text + device)

    for late in (gpu(0), gpu(50)):
        change = compare([late], [gpu(0)]).change("device.busy")
        assert not isinstance(change, Unavailable)
        assert change.before == pytest.approx(0.2, abs=0.02)


def test_one_caller_that_takes_time_between_its_calls_is_no_difference_of_load() -> None:
    """30 ms and 5 ms of answers, 1.2 ms between them: 0.96 and 0.81 requests are open."""
    before = served([30_000 + 37 * i % 600 for i in range(200)], period_us=31_200)
    after = served([5_000 + 37 * i % 300 for i in range(1000)], period_us=6_200)
    assert most_open((before,)) == most_open((after,)) == 1
    assert "load" not in differing(compare([before], [after]))


def test_requests_that_come_on_their_own_stay_a_difference_of_load() -> None:
    """Several are open for moments only."""
    before = served([2500 if i % 10 == 0 else 300 for i in range(600)], period_us=1000)
    after = served([2500 if i % 10 == 0 else 250 for i in range(600)], period_us=500)
    assert most_open((before,)) == 2
    assert "load" in differing(compare([before], [after]))
