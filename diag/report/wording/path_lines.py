"""What a request did or waited for in a line of its path, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.serving import CLOSE_REASONS, CloseReason, Stage
from diag.report.notes import listed, plural

if TYPE_CHECKING:
    from diag.analysis.requests.path_lines import PathLine
    from diag.analysis.result import Analysis

_HOLDERS_MAX = 4
_WAITED = {
    Stage.SCHEDULE: "put into its queue",
    Stage.QUEUE_DISPATCH: "waited for the scheduler's next check",
    Stage.QUEUE_EXECUTOR: "waited for a thread of the inter-op pool",
    Stage.BATCH_SPLIT: "results handed back",
    Stage.DEVICE_WAIT: "waited while the GPU ran other work",
    Stage.UNATTRIBUTED: "no event shows what it waited for",
}
_FILL = {
    CloseReason.SIZE: "waited until its batch was full",
    CloseReason.TIMEOUT: "waited until its batch timed out",
    CloseReason.THREAD: "waited until its batch was ready",
    CloseReason.UNKNOWN: "waited for its batch to fill or time out",
}


def describe_line(analysis: Analysis, line: PathLine) -> str:
    """What happened, or what the request waited for; "" where the stage says all."""
    if line.stage is Stage.QUEUE_FILL and line.batch >= 0:
        reason = CLOSE_REASONS[int(analysis.batches.close_reason_index[line.batch])]
        return _FILL[reason]
    if line.stage is Stage.QUEUE_THREAD:
        return _held(analysis, line)
    if line.stage is Stage.BATCH_FORMATION:
        return describe_batch(analysis, line.batch)
    return _WAITED.get(line.stage, "")


def _held(analysis: Analysis, line: PathLine) -> str:
    """Which batches held the batch threads meanwhile."""
    if isinstance(analysis.paths, Unavailable) or line.batch < 0:
        return "waited for a batch thread"
    held = analysis.paths.holders(line.batch, line.start_ns, line.end_ns).tolist()
    if not held:
        return "waited for a batch thread"
    named = [str(batch) for batch in held[:_HOLDERS_MAX]]
    more = len(held) - len(named)
    names = listed([*named, *([f"{more} more"] if more else [])])
    return f"waited for a batch thread, held by {plural(len(held), 'batch', 'batches')} {names}"


def describe_batch(analysis: Analysis, batch: int) -> str:
    """``batch of 5 rows of 3 requests, padded to 8``; what is not known is left out."""
    table = analysis.batches
    rows, padded, tasks = (
        int(table.rows[batch]),
        int(table.padded_rows[batch]),
        int(table.tasks[batch]),
    )
    if rows < 0:
        return "inputs put together"
    text = f"batch of {rows} {plural(rows, 'row')}"
    if tasks > 0:
        text += f" of {tasks} {plural(tasks, 'request')}"
    return f"{text}, padded to {padded}" if padded > rows else text
