"""What happened, by the server's own clock: it knows nothing of the profiler."""

from __future__ import annotations

import json
import queue
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class RequestLog:
    """One request; wall clock of the server's host in ns.

    Attributes:
        arrival_unix_ns: The handler got the bytes.
        run_start_unix_ns: It asked the batcher.
        enqueue_unix_ns: It was put into a batch.
        run_end_unix_ns: The batcher answered.
        rows: Examples in it.
        batch: Number of its batch, as in :class:`BatchLog`.
    """

    arrival_unix_ns: int
    run_start_unix_ns: int
    enqueue_unix_ns: int
    run_end_unix_ns: int
    rows: int
    batch: int


@dataclass(frozen=True, slots=True)
class BatchLog:
    """One batch; wall clock of the server's host in ns, in the order of the attributes.

    Attributes:
        number: 0 for the first of the queue.
        id: As the trace's links carry it; text, for it exceeds 2^53.
        rows: Before padding.
        padded_rows: As executed.
        first_enqueue_unix_ns: Its first request was put in.
        closed_unix_ns: It was full, or one that did not fit closed it; its thread took it, if
            neither happened before.
        taken_unix_ns: A batch thread took it.
        merged_unix_ns: Its rows were one array.
        run_start_unix_ns: The model's first op began.
        launch_unix_ns: Preprocessing was done: the copy of the inputs to the device began.
        copied_unix_ns: They were there; the model itself was given to the device.
        launched_unix_ns: All of it had been.
        ready_unix_ns: The device had finished and the scores were on the host.
        end_unix_ns: They had been given to the requests.
    """

    number: int
    id: str
    rows: int
    padded_rows: int
    first_enqueue_unix_ns: int
    closed_unix_ns: int
    taken_unix_ns: int
    merged_unix_ns: int
    run_start_unix_ns: int
    launch_unix_ns: int
    copied_unix_ns: int
    launched_unix_ns: int
    ready_unix_ns: int
    end_unix_ns: int


class ClockedLog:
    """Collects rows from any thread."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[RequestLog] = queue.SimpleQueue()
        self._batches: queue.SimpleQueue[BatchLog] = queue.SimpleQueue()

    def add_request(self, row: RequestLog) -> None:
        """A request has been answered."""
        self._requests.put(row)

    def add_batch(self, row: BatchLog) -> None:
        """A batch is over."""
        self._batches.put(row)

    def forget(self) -> None:
        """Drops what the warm-up left."""
        _drain(self._requests)
        _drain(self._batches)

    def write(self, path: Path, facts: dict[str, Any]) -> None:
        """Writes truth.json: ``facts``, then requests and batches, one line each."""
        requests = sorted(_drain(self._requests), key=lambda row: row.run_start_unix_ns)
        batches = sorted(_drain(self._batches), key=lambda row: row.taken_unix_ns)
        tables = ",\n".join(
            f' "{name}": [\n' + ",\n".join(json.dumps(asdict(row)) for row in rows) + "\n ]"
            for name, rows in (("requests", requests), ("batches", batches))
        )
        path.write_text(f"{json.dumps(facts, indent=1)[:-2]},\n{tables}\n}}\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Truth:
    """What :meth:`ClockedLog.write` wrote."""

    facts: dict[str, Any]
    requests: tuple[RequestLog, ...]
    batches: tuple[BatchLog, ...]


def read_log(path: Path) -> Truth:
    """Reads truth.json."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    requests = tuple(RequestLog(**row) for row in raw.pop("requests"))
    batches = tuple(BatchLog(**row) for row in raw.pop("batches"))
    return Truth(raw, requests, batches)


def _drain(rows: queue.SimpleQueue[Row]) -> list[Row]:
    return [rows.get_nowait() for _ in range(rows.qsize())]
