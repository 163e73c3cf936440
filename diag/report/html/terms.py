"""The method section: what the names on a page mean, in one sentence each.

docs/attribution.md and docs/loops.md have every edge and rule; these are their shortest form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.model.gaps import IdleCause
from diag.model.loops import LoopStage
from diag.model.serving import CloseReason, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Cell, Page


@dataclass(frozen=True, slots=True)
class Term:
    """A name on the page and its meaning."""

    name: str
    meaning: str


# A name may be a stage of a request or an iteration, a cause of idle time, or several of these.
MEANINGS: dict[str, str] = {
    "busy": "The device executes, or an op of the model runs on the CPU.",
    Stage.PREPROCESS.value: (
        "Work on inputs before the model's own ops: decoding, resizing, tf.data, Python."
    ),
    Stage.QUEUE_FILL.value: (
        "From joining a batch until that batch is full or its timeout has passed."
    ),
    Stage.QUEUE_THREAD.value: "The batch was ready, and every batch thread had a batch.",
    Stage.QUEUE_DISPATCH.value: (
        "The batch was ready and a thread was free, but had not taken it yet."
    ),
    Stage.QUEUE_EXECUTOR.value: (
        "Nothing of the run executes, and it waits for a TensorFlow inter-op thread."
    ),
    Stage.SCHEDULE.value: "From the begin of a request until it joins the queue.",
    Stage.BATCH_FORMATION.value: "Merging and padding the inputs of a batch.",
    Stage.BATCH_SPLIT.value: "Splitting the outputs of a batch and returning them.",
    Stage.TRANSFER_IN.value: "Copying inputs to the GPU.",
    Stage.LAUNCH.value: "The host prepares or launches the next kernel.",
    Stage.COMPUTE.value: "The model's own ops or kernels run.",
    Stage.DEVICE_WAIT.value: "A kernel was launched, and the GPU works on other requests.",
    Stage.TRANSFER_OUT.value: "Copying outputs from the GPU.",
    Stage.POSTPROCESS.value: "Work after the model's last op.",
    Stage.UNATTRIBUTED.value: "No event of the trace explains this time.",
    IdleCause.PROFILER.value: "The profiler itself held the host.",
    IdleCause.THROTTLED.value: (
        "The operating system kept the server from the CPU: its limit was used up."
    ),
    IdleCause.ALLOCATOR.value: "The host allocates or frees memory of the GPU.",
    IdleCause.COLD_START.value: "First runs: loading modules, compiling.",
    IdleCause.TRANSFER.value: "The CPU prepares or runs a copy between host and GPU.",
    IdleCause.MODEL_LOAD.value: "A model is loaded or warmed up.",
    IdleCause.BATCH_THREADS_IN_HOST_WORK.value: (
        "Requests wait, and all batch threads work on the host."
    ),
    IdleCause.SYNC_OR_OUTPUT.value: "The host waits for the GPU's results or hands them out.",
    IdleCause.INGRESS.value: "Requests were in the server, but not yet at a model or queue.",
    IdleCause.TRACE_EDGE.value: "Too near to an end of the trace to be explained.",
    IdleCause.UNEXPLAINED.value: "No event of the trace explains it.",
    IdleCause.NO_DEMAND.value: "No request was in the server.",
    LoopStage.REQUEST_WAIT.value: "The loop waits for a request.",
    LoopStage.REQUEST_READ.value: "A handler reads the rest of its request from the connection.",
    LoopStage.RESULT_WAIT.value: "The loop waits for a result of the program's own pool.",
    LoopStage.INPUT_WAIT.value: "The loop waits in next() for an element of tf.data.",
    LoopStage.INPUT_FETCH.value: "The loop takes an element that is ready.",
    LoopStage.CONVERT.value: "Copying inputs to tensors.",
    LoopStage.TRACING.value: "Building graphs of tf.functions.",
    LoopStage.DISPATCH.value: "Python of TensorFlow and Keras around ops.",
    LoopStage.MODEL.value: "The model runs.",
    LoopStage.NOT_KNOWN.value: "Python without an event and without a sample.",
    CloseReason.SIZE.value: "The batch was started because it was full.",
    CloseReason.TIMEOUT.value: "The batch was started as its first rows had waited long enough.",
    CloseReason.THREAD.value: "The batch was started because a batch thread was free.",
    CloseReason.UNKNOWN.value: "No event of the trace tells why the batch was started.",
}
# Columns of tables that hold such names, and nothing that a user named.
_NAMED = frozenset(("stage", "cause", "main_cause", "main_stage", "doing", "reason"))
# What numbers are, beside names: shown where the report has the section.
_NUMBERS = {
    "ledger": Term(
        "percentiles",
        "Of single stages, over complete requests: they do not add up. Bars around a percentile "
        "are means of the requests next to it, which do.",
    ),
    "idle": Term(
        "starved",
        "Idle while requests were in the server and their input was not ready. With the other "
        "causes it adds up to all idle time.",
    ),
    "timeline": Term(
        "as sampled",
        "Read from the driver or the operating system during the recording: means over the time "
        "since the sample before, independent of the trace.",
    ),
    "change": Term(
        "gain",
        "The range says how sure an estimate is. How it was made stands next to it; where none "
        "was made, the reason.",
    ),
    "latency": Term(
        "at least, at most",
        "Ends of the interval of a difference, by resampling the captures.",
    ),
}


def term_of(row: dict[str, Cell], key: str) -> str:
    """The name in a cell if it is one with a definition; "" for text of another kind."""
    name = row.get(key) if key in _NAMED else None
    return name if isinstance(name, str) and name in MEANINGS else ""


def terms_of(page: Page) -> tuple[Term, ...]:
    """The names that the tables and series of a page hold, and the numbers of its sections."""
    used = set(_names(page))
    shown = {section.id for section in page.sections}
    terms = [Term(name, meaning) for name, meaning in MEANINGS.items() if name in used]
    return (*terms, *(term for id_, term in _NUMBERS.items() if id_ in shown))


def _names(page: Page) -> Iterator[str]:
    for section in page.sections:
        for series in section.series:
            for key in ("state", "stage", "reason"):
                yield from map(str, series.values.get(key, ()))
            yield from (each.title for each in series.columns if each.key.startswith("stage_"))
        for table in section.tables:
            if table.id == "slowest_stages":
                yield from (each.title for each in table.columns)
            for row in table.rows:
                yield from filter(None, (term_of(row, key) for key in row))
