"""Recorded servers: today's settings are reproduced, and other settings move the right way."""

from __future__ import annotations

import pytest

import diag
from diag.errors import InputError
from diag.tuning import tune
from tests.conftest import sample_path

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


def test_without_batches_there_is_nothing_to_simulate() -> None:
    analysis = diag.analyze(diag.open_bundle(sample_path("no-batching")))
    with pytest.raises(InputError) as caught:
        tune(analysis, {})
    assert caught.value.cause == "no batch was recorded"
