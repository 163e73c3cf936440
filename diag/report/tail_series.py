"""What lies between the requests around p50 and those around p99, stage by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.thresholds import MIN_SAMPLES_P99
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import STAGES
from diag.report.notes import plural
from diag.report.percentile_series import around_percentile
from diag.report.rows import make_series, number_column, text_column

if TYPE_CHECKING:
    from diag.model.serving import RequestTable
    from diag.report.model import Series

COLUMNS = (
    text_column("stage", "stage", "Part of a request's path; the most extra time first."),
    number_column("p50_ns", "around p50", "ns", "Mean time of the requests around p50."),
    number_column("p99_ns", "around p99", "ns", "Mean time of the requests around p99."),
    number_column("extra_ns", "difference", "ns", "The mean around p99 minus the mean around p50."),
)


def tail_series(requests: RequestTable, model: str) -> Series | None:
    """Steps of a waterfall from p50 to p99; they add up to the difference of the whole requests.

    The requests are those of the ledger's column ``tail``: 10% of all around p50, 1% around p99.
    None where too few are complete for a p99.
    """
    mine = requests.complete_of(model)
    duration_ns, stage_ns = requests.duration_ns[mine], requests.stage_ns[mine]
    if len(duration_ns) < MIN_SAMPLES_P99:
        return None
    middle, slow = around_percentile(duration_ns, 50, 10), around_percentile(duration_ns, 99, 1)
    rows = [
        (stage.value, float(before), float(after), float(after - before))
        for stage in STAGES
        for before, after in (
            (stage_ns[middle, stage.index].mean(), stage_ns[slow, stage.index].mean()),
        )
        if before or after
    ]
    rows.sort(key=lambda row: -row[3])
    counts = int(np.count_nonzero(middle)), int(np.count_nonzero(slow))
    name = printable(model, NAME_MAX_CHARS)
    return make_series(
        f"tail_stages.{model}",
        f"From the {_requests(counts[0])} of {name} around p50 to {_those(counts[1])} p99",
        "bars",
        COLUMNS,
        rows,
    )


def _requests(n: int) -> str:
    return f"{n:,} {plural(n, 'request')}"


def _those(n: int) -> str:
    return plural(n, "the one at", f"the {n:,} around")
