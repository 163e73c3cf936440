"""What slow requests consist of: the mean stages of the requests around each percentile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.thresholds import MIN_SAMPLES_P50, MIN_SAMPLES_P90, MIN_SAMPLES_P99
from diag.model.serving import STAGES
from diag.report.model import Series
from diag.report.rows import number_column, text_column

if TYPE_CHECKING:
    from diag.model.events import Bools, Int64s
    from diag.model.serving import RequestTable

COLUMNS = (
    text_column("band", "band", "mean, or the requests around a percentile."),
    text_column("stage", "stage", "Part of a request's path."),
    number_column("mean_ns", "mean", "ns", "Mean time in the stage, over the band's requests."),
    number_column("requests", "requests", "count", "Requests in the band."),
    number_column("total_ns", "request", "ns", "Their mean latency, the sum of the band's stages."),
)
# Percentile, percent of all requests taken around it, least number of requests for it.
_BANDS = ((50, 10, MIN_SAMPLES_P50), (90, 5, MIN_SAMPLES_P90), (99, 1, MIN_SAMPLES_P99))


def percentile_series(requests: RequestTable, model: str) -> Series:
    """Stacked bars that add up: percentiles of stages do not, means around a percentile do."""
    mine = (requests.model_index == requests.models.index(model)) & requests.complete
    stage_ns, duration_ns = requests.stage_ns[mine], requests.duration_ns[mine]
    bands = [("mean", np.ones(len(duration_ns), np.bool_))]
    bands += [
        (f"p{percent}", _around(duration_ns, percent, width))
        for percent, width, needed in _BANDS
        if len(duration_ns) >= needed
    ]
    rows = [
        (name, stage.value, float(stage_ns[chosen, stage.index].mean()), int(chosen.sum()), total)
        for name, chosen in bands
        if chosen.any()
        for total in (float(duration_ns[chosen].mean()),)
        for stage in STAGES
        if stage_ns[:, stage.index].any()
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    return Series(
        id=f"stages_by_percentile.{model}",
        title=f"Stages of {model} by percentile",
        kind="bars",
        columns=COLUMNS,
        values={column.key: tuple(values) for column, values in zip(COLUMNS, columns, strict=True)},
    )


def _around(duration_ns: Int64s, percent: int, width_percent: int) -> Bools:
    """The requests around a percentile, half of ``width_percent`` of all on either side of it."""
    n = len(duration_ns)
    rank = np.empty(n, np.int64)
    rank[np.argsort(duration_ns, kind="stable")] = np.arange(n)
    chosen: Bools = np.abs(rank - (-(-percent * n // 100) - 1)) <= n * width_percent // 200
    return chosen
