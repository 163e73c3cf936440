"""The truth about each request, from clocks that do not depend on the profiler: truth.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class BatchPart:
    """The rows of one request that ran in one batch.

    Attributes:
        start_unix_ns: Begin of the batch's function (``tf.timestamp()``); start and end together
            identify the batch.
        end_unix_ns: End of the model's last op.
        rows: Rows of this request.
        executed_rows: Rows of the whole batch, padding included.
    """

    start_unix_ns: int
    end_unix_ns: int
    rows: int
    executed_rows: int


@dataclass(frozen=True, slots=True)
class RequestTruth:
    """One request's times by the wall clock, in ns since the Unix epoch.

    Attributes:
        model: Name of the model.
        rows: Rows of the request.
        status: gRPC's canonical name; unless OK the graph's times are 0 and ``parts`` is empty.
        arrival_unix_ns: The handler received the request (Python, before parsing its tensors).
        run_start_unix_ns: Just before the session's callable (Python).
        run_end_unix_ns: Just after it (Python).
        request_unix_ns: First op of the request's graph (``tf.timestamp()``).
        ready_unix_ns: Preprocessing done, BatchFunction next.
        done_unix_ns: Last op.
        parts: One per batch; without in-graph batching one for the whole request.
    """

    model: str
    rows: int
    status: str
    arrival_unix_ns: int
    run_start_unix_ns: int
    run_end_unix_ns: int
    request_unix_ns: int = 0
    ready_unix_ns: int = 0
    done_unix_ns: int = 0
    parts: tuple[BatchPart, ...] = ()


def write_truth(path: Path, facts: dict[str, Any], requests: Iterable[RequestTruth]) -> None:
    """Write truth.json: ``facts`` about the scenario, then the requests by start."""
    rows = sorted(requests, key=lambda r: r.run_start_unix_ns)
    lines = ",\n".join(json.dumps(asdict(row)) for row in rows)
    head = json.dumps(facts, indent=1)
    path.write_text(f'{head[:-2]},\n "requests": [\n{lines}\n]}}\n', encoding="utf-8")


def read_truth(path: Path) -> tuple[dict[str, Any], tuple[RequestTruth, ...]]:
    """Read the facts and the requests that :func:`write_truth` wrote."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    requests = tuple(
        RequestTruth(**{**row, "parts": tuple(BatchPart(**part) for part in row["parts"])})
        for row in raw.pop("requests")
    )
    return raw, requests
