"""Host ops with most time, and how long closures waited for a thread of the runtime's pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.model import Section
from diag.report.rows import Row, flag_column, make_table, name_column, number_column
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

OP_COLUMNS = (
    name_column("op", "op", "Type of the op."),
    flag_column("is_preprocess", "preprocessing", "Whether it counts as preprocessing."),
    number_column("events", "events", "count", "How often it ran."),
    number_column("total_ns", "total", "ns", "Sum over all threads, which may overlap."),
)
POOL_COLUMNS = (
    name_column("pool", "thread pool", "Name that its threads share."),
    number_column("n", "closures", "count", "Closures that it began in the window."),
    number_column("mean_ns", "mean", "ns", "Mean wait from hand-over to begin."),
    number_column("p50_ns", "p50", "ns", "Median of the wait."),
    number_column("p90_ns", "p90", "ns", "90th percentile of the wait."),
    number_column("p99_ns", "p99", "ns", "99th percentile of the wait."),
)


@topic(order=1100)
def host_op_sections(inputs: ReportInputs) -> Iterator[Section]:
    """On the host only; ops of the device are in the section on kernels."""
    rows = [
        Row((op.op_type, op.is_preprocess, op.events, op.total_ns)) for op in inputs.analysis.ops
    ]
    if rows:
        table = make_table("host_ops", "", OP_COLUMNS, rows)
        title = "Host ops with most time"
        yield Section(id="host_ops", title=title, tables=(table,), is_detail=True)


@topic(order=1200)
def pool_sections(inputs: ReportInputs) -> Iterator[Section]:
    """The pools with most waiting first."""
    rows = [
        Row((p.pool, p.wait.n, p.wait.mean_ns, p.wait.p50_ns, p.wait.p90_ns, p.wait.p99_ns))
        for p in inputs.analysis.pool_waits
    ]
    if rows:
        table = make_table("pool_waits", "", POOL_COLUMNS, rows)
        title = "Waiting for threads of the runtime"
        yield Section(id="pool_waits", title=title, tables=(table,), is_detail=True)
