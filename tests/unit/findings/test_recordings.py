"""Recordings of a live server whose remedy was measured: the first advice is that remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.analysis import Analysis, analyze
from diag.cli import main
from diag.findings import find
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.finding import Gain, Setting
from diag.model.gaps import Confidence

LIVE = Path(__file__).parents[2] / "recordings" / "live"


def recorded(name: str) -> Analysis:
    return analyze(open_bundle(LIVE / f"{name}.zip"))


def first_setting(name: str) -> Setting | None:
    return find(recorded(name))[0].remedies[0].setting


@pytest.mark.parametrize(("name", "now"), [("b_onethread", 8), ("b_overload2", 4)])
def test_larger_batches_come_before_threads_and_machines(name: str, now: int) -> None:
    setting = first_setting(name)
    assert setting is not None
    assert (setting.name, setting.now, setting.to) == ("max_batch_size", now, 32)


def test_an_extrapolated_size_is_called_so() -> None:
    action = find(recorded("b_overload2"))[0].remedies[0].action
    assert action.endswith("; extrapolated, the largest recorded batch had 4 rows.")


def test_sizes_that_were_not_recorded_are_not_promised_to_be_faster() -> None:
    action = find(recorded("b_onethread"))[0].remedies[0].action
    assert "How long these take is not known (1 batch size seen, 2 needed)" in action


def test_an_unbatched_overload_is_told_to_batch() -> None:
    first = find(recorded("unb_overload"))[0]
    assert (first.id, first.cause) == ("batching-disabled", "queue-executor")
    assert first.remedies[0].action.startswith("Turn batching on: --enable_batching ")
    assert "43 requests of heavy:1 are open at a time" in first.remedies[0].action


def test_without_a_timeout_the_poll_ends_too_as_it_did_on_the_server() -> None:
    first = find(recorded("b_timeout"))[0]
    setting, gain = first.remedies[0].setting, first.gain
    assert setting is not None
    assert (setting.name, setting.now, setting.to) == ("batch_timeout_micros", 10_000, 0)
    assert isinstance(gain, Gain)
    # Measured after the change: 1.7 ms.
    assert 1.2e6 < gain.low < 1.7e6 < gain.high < 3.5e6


@pytest.mark.parametrize(
    ("name", "rule", "confidence", "says"),
    [
        ("scalar_b", "no-batch-dimension", Confidence.MEDIUM, "Every request failed: "),
        ("toolarge", "request-too-large", Confidence.HIGH, "50% of requests failed: "),
        ("varlen_nopad", "input-shapes-differ", Confidence.HIGH, "67% of requests failed: "),
        ("split_over_nofile", "batch-queue-overflow", Confidence.HIGH, "20% of requests failed: "),
        ("b_overload2", "batch-queue-overflow", Confidence.HIGH, "25% of requests failed: "),
        ("noisy_n", "other-processes-on-cpu", Confidence.MEDIUM, "Other processes use the CPU: "),
    ],
)
def test_what_was_wrong_comes_first(
    name: str, rule: str, confidence: Confidence, says: str
) -> None:
    first = find(recorded(name))[0]
    assert (first.id, first.confidence) == (rule, confidence)
    assert first.what.startswith(says)


def test_means_that_the_digits_of_the_page_hide_are_not_shown() -> None:
    metrics = recorded("digits").metrics
    assert isinstance(metrics, tuple)
    assert metrics[0].responses == {"OK": 54}
    assert isinstance(metrics[0].request_latency_mean_ns, Unavailable)
    assert isinstance(metrics[0].outside_mean_ns, Unavailable)


@pytest.mark.parametrize(("name", "status"), [("scalar_b", 8), ("toolarge", 0)])
def test_a_recording_in_which_every_request_failed_has_a_status_of_its_own(
    name: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "--summary", str(LIVE / f"{name}.zip")]) == status
    assert "failed" in capsys.readouterr().out


def test_a_queue_that_is_short_is_not_called_slow() -> None:
    first = find(recorded("split_over_nofile"))[0]
    assert first.id == "batch-queue-overflow"
    assert first.remedies[0].action == (
        "Let more batches wait: max_enqueued_batches to 100 (10 if it is not set). The batch "
        "threads are busy 20% of the time: the queue is too short for bursts, the server is not "
        "too slow."
    )
    assert len(first.remedies) == 1
