"""What is recorded of batches: of --enable_batching for all models together, in the graph by model.

Names in the graph: core/kernels/batching_util/batch_resource_base.cc, TensorFlow 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.monitoring.load import (
    BATCHES,
    IN_GRAPH_BATCHES,
    IN_GRAPH_DELAY,
    IN_GRAPH_MAX_BATCH_SIZE,
    IN_GRAPH_PADDING,
    IN_GRAPH_ROWS,
    PADDING,
    PROCESSED,
    QUEUEING,
    SAME_COUNT,
)
from diag.monitoring.prometheus.promql import Series, known_rate, sum_without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.monitoring.prometheus.timing import Timing

_SESSION = ("thread_pool_name",)
_PADDED = ("execution_batch_size",)
_DELAY = ("op_name", "processed_batch_size")


def batching_series(timing: Timing) -> Iterator[Series]:
    """Queues, batches, rows and padding."""
    window = timing.window
    runs = "((sum without (model_name) (tfserving_model:{0}) or tfserving_model:{0}) > 0)"
    yield Series(
        "tfserving_batches:queued_requests:mean",
        f"({known_rate(QUEUEING, timing, _SESSION)}\n"
        f"  or {known_rate(IN_GRAPH_DELAY, timing, _DELAY)}) / 1e6",
        "requests",
        "Requests, or parts of split ones, that wait in a queue at a time.",
    )
    yield Series(
        "tfserving_batches:queued:rate",
        f"{sum_without(f'rate({QUEUEING}_count[{window}])', _SESSION)}\n"
        f"  or {sum_without(f'rate({IN_GRAPH_DELAY}_count[{window}])', _DELAY)}",
        "requests/s",
        "Requests, or parts of split ones, that left a queue.",
    )
    yield Series(
        "tfserving_batches:queue_seconds:mean",
        "tfserving_batches:queued_requests:mean / (tfserving_batches:queued:rate > 0)",
        "s",
        "From a request's arrival in the queue to the begin of its batch.",
    )
    yield Series(
        "tfserving_batches:queue_share:ratio",
        f"tfserving_batches:queued_requests:mean\n  / {runs.format('open_runs:mean')}\n"
        f"  and tfserving_batches:queued:rate\n    / {runs.format('runs:rate')} <= {SAME_COUNT}",
        "ratio",
        "Time in the queue over time in Session::Run. Missing where requests are split, as their "
        "parts count several times.",
    )
    yield Series(
        "tfserving_batches:batches:rate",
        f"rate({BATCHES}[{window}])\n"
        f"  or {sum_without(f'rate({IN_GRAPH_BATCHES}[{window}])', ('op_name', 'batch_size'))}",
        "batches/s",
        "Batches that were run.",
    )
    yield Series(
        "tfserving_batches:requests_per_batch:ratio",
        "tfserving_batches:queued:rate / (tfserving_batches:batches:rate > 0)",
        "requests",
        "Requests, or parts of split ones, in a batch.",
    )
    yield Series(
        "tfserving_batches:padding_rows:rate",
        f"{sum_without(f'rate({PADDING}_sum[{window}])', _PADDED)}\n"
        f"  or {sum_without(f'rate({IN_GRAPH_PADDING}_sum[{window}])', ('op_name', *_PADDED))}",
        "rows/s",
        "Padding rows that were executed.",
    )
    yield Series(
        "tfserving_batches:rows:rate",
        f"{known_rate(PROCESSED, timing)} - tfserving_batches:padding_rows:rate\n"
        f"  or {known_rate(IN_GRAPH_ROWS, timing, ('op_name',))}",
        "rows/s",
        "Rows of requests that were executed, without padding.",
    )
    yield Series(
        "tfserving_batches:rows_per_batch:mean",
        "tfserving_batches:rows:rate / (tfserving_batches:batches:rate > 0)",
        "rows",
        "Rows in a batch, without padding.",
    )
    yield Series(
        "tfserving_batches:max_batch_size:rows",
        f"max without (op_name) ({IN_GRAPH_MAX_BATCH_SIZE} > 0)",
        "rows",
        "The limit of in-graph batching. The page does not have it for --enable_batching.",
    )
    yield Series(
        "tfserving_batches:fill:ratio",
        "tfserving_batches:rows_per_batch:mean / tfserving_batches:max_batch_size:rows",
        "ratio",
        "Rows in a batch over max_batch_size.",
    )
    yield Series(
        "tfserving_batches:padding:ratio",
        "tfserving_batches:padding_rows:rate\n"
        "  / (tfserving_batches:padding_rows:rate + tfserving_batches:rows:rate > 0)",
        "ratio",
        "Padding among the executed rows.",
    )
