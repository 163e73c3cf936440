"""Recorded servers: today's settings are reproduced, and other settings move the right way."""

from __future__ import annotations

from pathlib import Path

import pytest

import diag
from diag.errors import InputError
from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.report.tuning import parameters_file
from diag.report.tuning.words import tuning_sentence
from diag.tuning import tune
from tests.conftest import sample_path

LIVE = Path(__file__).parents[2] / "recordings" / "live"

SAMPLES = {
    "batch-timeout": "",
    "padding": "",
    "in-graph-batching": "",
    "demo-batch-timeout": "bundle.zip",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_settings_of_a_recording_give_what_was_measured(name: str) -> None:
    analysis = diag.analyze(diag.open_bundle(sample_path(name) / SAMPLES[name]))
    assert tune(analysis, {}).self_check.misses == {}


def test_a_shorter_timeout_shortens_the_wait_by_what_it_was_longer() -> None:
    analysis = diag.analyze(diag.open_bundle(sample_path("batch-timeout")))
    tuning = tune(analysis, {"batch_timeout_micros": 2000})
    made = tuning.prediction
    assert isinstance(made, dict)
    # The timeout was 10 ms: 8 ms less for requests that open a batch.
    assert 4.0 < made["mean_ms"].value < tuning.self_check.measured.mean_ms - 4
    assert made["mean_ms"].low <= made["mean_ms"].value <= made["mean_ms"].high


def test_the_same_capture_gives_the_same_answer() -> None:
    analysis = diag.analyze(diag.open_bundle(sample_path("batch-timeout")))
    first, second = (tune(analysis, {"num_batch_threads": 4}).prediction for _ in range(2))
    assert first == second


def test_too_few_requests_are_not_simulated() -> None:
    analysis = diag.analyze(diag.open_bundle(LIVE / "scalar_b.zip"))
    with pytest.raises(InputError) as caught:
        tune(analysis, {})
    assert caught.value.cause == (
        "no batch was recorded, and 0 complete unbatched requests; 30 are needed"
    )


def test_of_a_server_without_batching_the_range_goes_from_free_rows_to_rows_in_turn() -> None:
    # Measured on the live server: 303 -> 2,150 requests/s with --enable_batching.
    analysis = diag.analyze(diag.open_bundle(LIVE / "unb_overload.zip"))
    tuning = tune(analysis, {"max_batch_size": 32, "batch_timeout_micros": 2000})
    assert tuning.clients == 48
    assert not tuning.is_batched
    assert tuning.self_check.ok
    made = tuning.prediction
    assert isinstance(made, dict)
    now = tuning.self_check.measured.throughput_per_s
    assert made["throughput_per_s"].low < now
    assert made["throughput_per_s"].value > 1.5 * now
    assert made["throughput_per_s"].high > 4 * now
    file = parameters_file(tuning)
    read = parse_batching_parameters(file)
    # What the file leaves to the server's default is in it, too.
    assert (read.max_batch_size, read.max_enqueued_batches, read.num_batch_threads) == (32, 10, 2)
    assert "--enable_batching" in file


def test_two_queues_share_one_file_with_the_values_of_the_busier_one() -> None:
    analysis = diag.analyze(diag.open_bundle(LIVE / "two_permodel_bp.zip"))
    tuning = tune(analysis, {"batch_timeout_micros": 2000})
    assert len(tuning.queues) == 2
    busy, other = (tuning.queues[index] for index in tuning.busiest_first)
    file = parameters_file(tuning)
    assert parse_batching_parameters(file).batch_timeout_micros == 2000
    # No batch was full, so nothing tells max_batch_size.
    assert "max_batch_size" not in file
    assert busy != other


def test_a_limit_on_handlers_alone_leaves_batching_as_it_is() -> None:
    analysis = diag.analyze(diag.open_bundle(LIVE / "unb_overload.zip"))
    tuning = tune(analysis, {"grpc_max_threads": 8})
    made = tuning.prediction
    assert isinstance(made, dict)
    # 48 clients share 8 handlers: all wait about as long, and what is answered stays the same.
    assert made["p99_ms"].value == pytest.approx(made["p50_ms"].value, rel=0.1)
    assert made["throughput_per_s"].value == pytest.approx(
        tuning.self_check.measured.throughput_per_s, rel=0.1
    )
    assert tuning_sentence(tuning).startswith("With --grpc_max_threads 8: ")
    file = parameters_file(tuning)
    assert "--grpc_max_threads=8" in file
    assert "--enable_batching" not in file
