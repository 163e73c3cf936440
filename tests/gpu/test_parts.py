"""The parts of a recording by themselves: messages, batcher, prerequisites, what is kept."""

from __future__ import annotations

import threading
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from diag.formats.text.batching_parameters import parse_batching_parameters
from tests.gpu.batcher import DynamicBatcher, QueueFullError, RunTimes, Work
from tests.gpu.clocked_log import BatchLog, ClockedLog, Truth, read_log
from tests.gpu.messages import request_of, response_of, rows_of
from tests.gpu.outcome import Outcome
from tests.gpu.prerequisites import MODULES, missing
from tests.gpu.record import keep
from tests.gpu.recording import BUNDLE, PARAMETERS, TRUTH, Recorded
from tests.gpu.scenarios import SCENARIOS
from tests.unit.analysis.traces import analyzed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FLOATS = np.arange(6, dtype=np.float32).reshape(2, 3)
GPU_TRACE = """
plane /host:CPU
line batch_threads_/
  ProcessBatch 0..100us
plane /device:GPU:0
line Stream #7(Compute)
  gemm 10..20us correlation_id=1 kernel_details="regs:32"
"""


@pytest.mark.parametrize(
    "rows", [FLOATS, np.array([3], np.int64), [b"\xff\xd8", b""]], ids=["floats", "ids", "bytes"]
)
def test_a_request_comes_back_as_it_was_sent(rows: Any) -> None:
    name, received = rows_of(request_of("jax", rows))
    assert name == "jax"
    assert type(received) is type(rows)
    assert np.array_equal(received, rows)


@pytest.mark.tensorflow
def test_messages_are_tensorflow_servings() -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest.FromString(request_of("jax", FLOATS))
    assert (request.model_spec.name, request.model_spec.signature_name) == (
        "jax",
        "serving_default",
    )
    assert np.array_equal(tf.make_ndarray(request.inputs["inputs"]), FLOATS)
    theirs = predict_pb2.PredictRequest()
    theirs.inputs["inputs"].CopyFrom(tf.make_tensor_proto([b"jpeg"]))
    assert rows_of(theirs.SerializeToString())[1] == [b"jpeg"]
    response = predict_pb2.PredictResponse.FromString(response_of("jax", FLOATS))
    assert np.array_equal(tf.make_ndarray(response.outputs["scores"]), FLOATS)
    assert response.model_spec.name == "jax"


class Served:
    """A batcher whose model doubles its inputs, once it is let."""

    def __init__(self, parameters: str) -> None:
        self.log = ClockedLog()
        self.gate = threading.Event()
        self.gate.set()
        self.executed: list[int] = []
        self.batcher = DynamicBatcher(
            parse_batching_parameters(parameters), Work(self._merge, self._run, _split), self.log
        )
        self._callers = futures.ThreadPoolExecutor(16)

    def ask(self, *values: float) -> futures.Future[list[float]]:
        """One request with these rows."""
        return self._callers.submit(self.batcher.run, list(values), len(values), time.time_ns())

    def ask_in_order(self, *requests: tuple[float, ...]) -> list[futures.Future[list[float]]]:
        """Each is enqueued before the next."""
        asked = []
        for values in requests:
            asked.append(self.ask(*values))
            time.sleep(0.02)
        return asked

    def close(self, path: Path) -> Truth:
        """Ends it; what the log holds."""
        self.gate.set()
        self.batcher.close()
        self._callers.shutdown()
        self.log.write(path, {"scenario": "none"})
        return read_log(path)

    def _merge(self, inputs: list[list[float]], padded: int) -> list[float]:
        rows = [value for each in inputs for value in each]
        return rows + [0.0] * (padded - len(rows))

    def _run(self, rows: list[float]) -> tuple[list[float], RunTimes]:
        self.executed.append(len(rows))
        if -1 in rows:
            raise ValueError("no model takes this")
        assert self.gate.wait(10)
        now = time.time_ns()
        return [2 * value for value in rows], RunTimes(now, now, now, now, now)


def _split(scores: list[float], first: int, rows: int) -> list[float]:
    return scores[first : first + rows]


@pytest.fixture(name="serve")
def _serve(tmp_path: Path) -> Iterator[Callable[[str], Served]]:
    served: list[Served] = []

    def serve(parameters: str) -> Served:
        served.append(Served(parameters))
        return served[-1]

    yield serve
    for each in served:
        each.close(tmp_path / "closed.json")


def parameters(size: int, timeout_micros: int, batches: int = 10, *allowed: int) -> str:
    return (
        f"max_batch_size {{ value: {size} }} batch_timeout_micros {{ value: {timeout_micros} }} "
        f"num_batch_threads {{ value: 1 }} max_enqueued_batches {{ value: {batches} }} "
        + " ".join(f"allowed_batch_sizes: {each}" for each in allowed)
    )


def test_a_full_batch_is_taken_at_once_and_answers_each_with_its_own(
    serve: Callable[[str], Served], tmp_path: Path
) -> None:
    served = serve(parameters(3, 60_000_000))
    first, second = served.ask_in_order((1.0,), (2.0, 3.0))
    assert (first.result(5), second.result(5)) == ([2.0], [4.0, 6.0])
    (batch,) = served.close(tmp_path / "truth.json").batches
    assert (batch.rows, batch.padded_rows) == (3, 3)


def test_a_batch_that_does_not_fill_waits_out_its_timeout(
    serve: Callable[[str], Served], tmp_path: Path
) -> None:
    served = serve(parameters(8, 50_000, 10, 2, 8))
    assert served.ask(1.0).result(5) == [2.0]
    (batch,) = served.close(tmp_path / "truth.json").batches
    assert batch.taken_unix_ns - batch.first_enqueue_unix_ns >= 50_000_000
    assert (batch.rows, batch.padded_rows) == (1, 2)
    assert served.executed == [2]


def test_rows_that_do_not_fit_close_a_batch_and_open_the_next(
    serve: Callable[[str], Served], tmp_path: Path
) -> None:
    served = serve(parameters(4, 200_000))
    asked = served.ask_in_order((1.0, 2.0, 3.0), (4.0, 5.0))
    assert [each.result(5) for each in asked] == [[2.0, 4.0, 6.0], [8.0, 10.0]]
    first, second = served.close(tmp_path / "truth.json").batches
    assert (first.rows, second.rows) == (3, 2)
    assert first.taken_unix_ns - first.first_enqueue_unix_ns < 200_000_000
    assert (first.id, int(second.id) & 0xFFFFFFFF) == ("0", 1)
    assert int(second.id) >> 32 > 0


def test_edges_of_a_batch_are_in_order(serve: Callable[[str], Served], tmp_path: Path) -> None:
    served = serve(parameters(1, 0))
    for number in range(3):
        served.ask(float(number)).result(5)
    truth = served.close(tmp_path / "truth.json")
    edges = [field for field in BatchLog.__dataclass_fields__ if field.endswith("_unix_ns")]
    assert [row.number for row in truth.batches] == [0, 1, 2]
    for row in truth.batches:
        times = [getattr(row, edge) for edge in edges]
        assert times == sorted(times)


def test_nothing_waits_for_room(serve: Callable[[str], Served]) -> None:
    served = serve(parameters(1, 0, batches=2))
    served.gate.clear()
    asked = served.ask_in_order((1.0,), (2.0,), (3.0,))  # one runs, two are enqueued
    with pytest.raises(QueueFullError, match="2 batches enqueued"):
        served.ask(4.0).result(5)
    served.gate.set()
    assert [each.result(5) for each in asked] == [[2.0], [4.0], [6.0]]


def test_an_error_of_the_model_reaches_every_request_of_the_batch(
    serve: Callable[[str], Served],
) -> None:
    served = serve(parameters(2, 60_000_000))
    for each in served.ask_in_order((-1.0,), (1.0,)):
        with pytest.raises(ValueError, match="no model takes this"):
            each.result(5)
    asked = served.ask_in_order((1.0,), (2.0,))
    assert [each.result(5) for each in asked] == [[2.0], [4.0]]


def test_what_is_missing_is_named_with_what_to_install() -> None:
    assert missing("cpu", [*MODULES, "no_such_module_of_diag"]) == [
        "Python module no_such_module_of_diag is missing: install no_such_module_of_diag"
    ]


def test_here_everything_is_there_to_record_on_the_cpu() -> None:
    assert missing("cpu") == []


@pytest.mark.parametrize("has_gpu", [True, False], ids=["gpu", "cpu"])
def test_only_a_trace_with_a_gpu_in_it_is_kept(
    has_gpu: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, samples = tmp_path / "no-demand", tmp_path / "samples"
    folder.mkdir()
    text = GPU_TRACE if has_gpu else GPU_TRACE.partition("plane /device")[0]
    for name in (BUNDLE, PARAMETERS, TRUTH, "server.log"):
        (folder / name).write_bytes(b"content")
    scenario = SCENARIOS["no-demand"]
    recorded = Recorded(scenario, folder, "NVIDIA X100 (80GB)")
    outcome = Outcome(scenario, scenario.planted, analyzed(text), "no-demand", Truth({}, (), ()))
    keep([(recorded, outcome)], samples)
    kept = sorted(path.relative_to(samples).as_posix() for path in samples.rglob("*.*"))
    here = "gpu-nvidia-x100-80gb/no-demand"
    assert kept == ([f"{here}/{name}" for name in sorted((BUNDLE, PARAMETERS, TRUTH))] * has_gpu)
    assert ("kept" if has_gpu else "no GPU plane") in capsys.readouterr().err
