"""What requests consist of, in bars that add up: around each percentile, and by rows of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.thresholds import MIN_SAMPLES_P50, MIN_SAMPLES_P90, MIN_SAMPLES_P99
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import STAGES
from diag.report.rows import make_series, number_column, text_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis.result import Analysis
    from diag.model.events import Bools, Int64s
    from diag.model.serving import RequestTable
    from diag.report.model import Series

COLUMNS = (
    text_column("band", "band", "Which requests: all, those around a percentile, or by rows."),
    text_column("stage", "stage", "Part of a request's path."),
    number_column("mean_ns", "mean", "ns", "Mean time in the stage, over the band's requests."),
    number_column("requests", "requests", "count", "Requests in the band."),
    number_column("total_ns", "request", "ns", "Their mean latency, the sum of the band's stages."),
)
_SIZES_MAX = 6  # of batches with a bar each
# Percentile, percent of all requests taken around it, least number of requests for it.
_BANDS = ((50, 10, MIN_SAMPLES_P50), (90, 5, MIN_SAMPLES_P90), (99, 1, MIN_SAMPLES_P99))


def percentile_series(requests: RequestTable, model: str) -> Series:
    """Stacked bars that add up: percentiles of stages do not, means around a percentile do."""
    mine = requests.complete_of(model)
    stage_ns, duration_ns = requests.stage_ns[mine], requests.duration_ns[mine]
    bands = [("mean", np.ones(len(duration_ns), np.bool_))]
    bands += [
        (f"p{percent}", around_percentile(duration_ns, percent, width))
        for percent, width, needed in _BANDS
        if len(duration_ns) >= needed
    ]
    return _bars(
        f"stages_by_percentile.{model}",
        f"Stages of {printable(model, NAME_MAX_CHARS)} by percentile",
        bands,
        stage_ns,
        duration_ns,
    )


def _bars(
    id_: str,
    title: str,
    bands: Sequence[tuple[str, Bools | Int64s]],
    stage_ns: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    duration_ns: Int64s,
) -> Series:
    """A bar a band, of the requests it chooses."""
    chosen = [(name, stage_ns[each], duration_ns[each]) for name, each in bands]
    rows = [
        (name, stage.value, float(stages[:, stage.index].mean()), len(times), float(times.mean()))
        for name, stages, times in chosen
        if len(times)
        for stage in STAGES
        if any(each[:, stage.index].any() for _, each, _ in chosen)
    ]
    return make_series(id_, title, "bars", COLUMNS, rows)


def rows_series(analysis: Analysis, model: str) -> Series | None:
    """Mean stages by the rows that the request's last batch executed; None without two sizes."""
    requests, batches = analysis.requests, analysis.batches
    batched = np.diff(requests.batch_offsets) > 0
    mine = np.flatnonzero(requests.complete_of(model) & batched)
    rows = batches.executed_rows[requests.batch_index[requests.batch_offsets[mine + 1] - 1]]
    mine, rows = mine[rows > 0], rows[rows > 0]
    sizes = np.unique(rows)
    if len(sizes) < 2:
        return None
    # Every size by itself, or where there are many, powers of two.
    upper = sizes if len(sizes) <= _SIZES_MAX else np.unique(2 ** np.ceil(np.log2(sizes)))
    lower = np.concatenate([[1], upper[:-1] + 1])
    if len(sizes) <= _SIZES_MAX:
        lower = upper
    bands = [
        (_rows_words(int(low), int(high)), mine[(rows >= low) & (rows <= high)])
        for low, high in zip(lower, upper, strict=True)
    ]
    stage_ns, duration_ns = requests.stage_ns, requests.duration_ns
    return _bars(
        f"stages_by_rows.{model}",
        f"Stages of {printable(model, NAME_MAX_CHARS)} by rows of the batch",
        bands,
        stage_ns,
        duration_ns,
    )


def _rows_words(low: int, high: int) -> str:
    if low == high:
        return f"batch of {low} {'row' if low == 1 else 'rows'}"
    return f"batch of {low} to {high} rows"


def around_percentile(duration_ns: Int64s, percent: int, width_percent: int) -> Bools:
    """The requests around a percentile, half of ``width_percent`` of all on either side of it."""
    n = len(duration_ns)
    rank = np.empty(n, np.int64)
    rank[np.argsort(duration_ns, kind="stable")] = np.arange(n)
    chosen: Bools = np.abs(rank - (-(-percent * n // 100) - 1)) <= n * width_percent // 200
    return chosen
