"""From a recorded file to the printed paragraph: what an operator reads first."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from diag.cli import main

RECORDINGS = Path(__file__).parents[1] / "recordings"
# Of each recording: the exit status, the first finding, and what the first lines must say.
LIVE = {
    "b_onethread": (0, "batch-threads-saturated", "max_batch_size 8 → 32"),
    "b_overload2": (0, "batch-queue-overflow", "max_batch_size 4 → 32"),
    "b_timeout": (0, "batch-timeout-dominates", "Lower batch_timeout_micros 10000 → 0"),
    "closed_timeout": (0, "batch-capped-by-concurrency", "which cannot happen"),
    "digits": (0, "no-demand", "idle for lack of demand"),
    "noisy_n": (0, "other-processes-on-cpu", "the server uses 0.15 of 2 cores"),
    "reload_unbatched": (0, "other-processes-on-cpu", "Requests take 4.42 ms at p50"),
    "scalar_b": (8, "no-batch-dimension", "Every request failed"),
    "split_over_nofile": (0, "batch-queue-overflow", "Let more batches wait: max_enqueued_batches"),
    "toolarge": (0, "request-too-large", "50% of requests failed"),
    "two_permodel_bp": (0, "batch-timeout-dominates", "of queue a4d79b20 about 8000 →"),
    "unb_overload": (0, "batching-disabled", "Turn batching on: --enable_batching"),
    "varlen_nopad": (0, "input-shapes-differ", "pad_variable_length_inputs false → true"),
}
TRACES = {
    "batch-function-tf2.3.4": (0, "batch-timeout-dominates", "for a batch to fill or time out"),
    "batch-function-tf2.13.1": (0, "batch-timeout-dominates", "for a batch to fill or time out"),
    "dataset-in-batch-function-tf2.21": (0, "preprocessing-in-graph", "`ReduceDataset`"),
    "gpu-tracer-late": (0, "", "idle 58% of the 96.0 ms in which GPUs were traced"),
    "jax-infer-0.4.13": (5, "not-serving", "it is of a JAX program"),
    "keras-fit-tf2.3.4": (5, "not-serving", "it is of a TensorFlow training loop"),
    "keras-predict-tf2.15.1": (0, "predict-per-item", "9 iterations on 1 thread"),
    "nested-function-before-run": (5, "no-requests", "no event of a request was seen"),
    "refused-tf2.13.1": (0, "no-demand", "That is no sign of spare capacity"),
    "session-with-tfdata-tf2.21.0": (0, "preprocessing-in-graph", "93% with no open request"),
    "step-id-minus-one": (0, "no-demand", "100% with no open request"),
    "two-batchers-tf2.3.4": (0, "batch-timeout-dominates", "of queue unnamed-2 about 4000 → 0"),
}


def first_lines(path: Path, status: int, capsys: pytest.CaptureFixture[str]) -> str:
    """The report up to its limits, as one line."""
    assert main(["analyze", str(path)]) == status
    text, _, _ = capsys.readouterr().out.partition("\nLimits of this analysis")
    return " ".join(text.split())


@pytest.mark.parametrize("name", LIVE)
def test_a_live_server(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, rule, says = LIVE[name]
    text = first_lines(RECORDINGS / "live" / f"{name}.zip", status, capsys)
    assert text.partition("[")[2].startswith(f"{rule}]")
    assert says in text


@pytest.mark.parametrize("name", TRACES)
def test_a_trace(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rule, says = TRACES[name]
    trace = tmp_path / f"{name}.xplane.pb"
    trace.write_bytes(
        gzip.decompress((RECORDINGS / "versions" / f"{name}.xplane.pb.gz").read_bytes())
    )
    text = first_lines(trace, status, capsys)
    assert says in text
    if rule:
        assert text.partition("[")[2].startswith(f"{rule}]")


def test_runs_of_a_load_are_no_requests(capsys: pytest.CaptureFixture[str]) -> None:
    """The server's handlers logged 232 requests while a version with 50 warm-ups was loaded."""
    assert main(["analyze", str(RECORDINGS / "live" / "reload_unbatched.zip")]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "232 complete." in text
    assert "The server loaded heavy version 2 during the recording" in text


def test_every_recording_of_a_live_server_is_among_them() -> None:
    assert {path.stem for path in (RECORDINGS / "live").glob("*.zip")} == set(LIVE)
