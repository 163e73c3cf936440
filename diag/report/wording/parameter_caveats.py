"""Sentences about batching parameters: estimated, contradicted by the trace, or not in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.quantity import duration, number
from diag.model.serving import Conflict, Origin
from diag.report.wording.names import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.report.wording.facts import Facts

_OBSERVED = {
    Conflict.STARTED_EARLIER: "batches that were not full started after {time} (p50)",
    Conflict.WAITED_LONGER: "batches waited {time} (p50) with a batch thread free",
    Conflict.FULL_EARLIER: "batches took no more than {number} rows",
    Conflict.LARGER_BATCH: "a batch had {number} rows",
    Conflict.MORE_THREADS: "{threads} processed batches",
    Conflict.FEWER_THREADS: "ready batches waited while only {threads} had work",
    Conflict.PADDED_OTHERWISE: "batches of {rows} were executed with {number}",
    Conflict.LONGER_QUEUE: "{number} batches were in the queue",
    Conflict.SHORTER_QUEUE: (
        "requests were refused where the queue would have held {number} batches at most"
    ),
    Conflict.SPLIT: "requests were split",
    Conflict.SERVER_DIFFERS: "the server's metrics say {number}",
    Conflict.NOT_POSSIBLE: "no server runs with that",
}
_INSTEAD = {"metrics": "those of the server's metrics", "estimates": "estimated from the trace"}


def _contradicted_parameters(facts: Facts) -> str:
    """What does not fit, that it is not used, and why it may be so."""
    from_file = facts.text("source") == "file"
    queues = facts.texts("queues")
    some = len(queues) < facts.count("queues_count")
    where = f" of {', '.join(queues)}" if some else ""
    source = "The batching parameters given" if from_file else "The server's metrics"
    return (
        f"{source} contradict the trace{where}: {_each(facts)}. They are not used"
        f"{' there' if some else ''}: the values are "
        f"{_INSTEAD[facts.text('instead')]}. {_reasons(facts, from_file)}"
    )


def _each(facts: Facts) -> str:
    queues = facts.texts("queue_of_each")
    several = len(facts.texts("queues")) > 1
    rows, observed = facts.values("rows"), facts.values("observed")
    parts: list[str] = []
    for i, name in enumerate(facts.texts("parameters")):
        conflict = Conflict(facts.texts("conflicts")[i])
        is_default = facts.texts("origins")[i] == Origin.DEFAULT.value
        told = f"{name} is {facts.texts('given')[i]}{' by default' if is_default else ''}"
        seen = _OBSERVED[conflict].format(
            time=duration(observed[i] * 1000),
            number=number(int(observed[i])),
            threads=counted(int(observed[i]), "batch thread"),
            rows=counted(int(rows[i]), "row"),
        )
        new = several and (i == 0 or queues[i] != queues[i - 1])
        parts.append(f"{f'{queues[i]}: ' if new else ''}{told}, but {seen}")
    more = facts.count("more_count")
    return "; ".join(parts) + (f"; and {more} more" if more else "")


def _reasons(facts: Facts, from_file: bool) -> str:
    if not from_file:
        return "They may be of another op of the same name."
    if facts.flag("is_function"):
        return (
            "Was the server restarted after the file was edited? Is it the file of another server? "
            "Batching inside a graph (BatchFunction) has its parameters in the SavedModel, not in "
            "this file."
        )
    return (
        "Was the server restarted after the file was edited? Is it the file of another server? "
        "With --enable_per_model_batching_parameters models have a batching_params.pbtxt of their "
        "own, and this file does not apply to them."
    )


def _batching_not_in_force(facts: Facts) -> str:
    requests = counted(facts.count("requests_count"), "request")
    return (
        f"Batching parameters are given, but the trace shows no batching: {requests} ran without. "
        "The server runs without --enable_batching, or with --platform_config_file, which makes "
        "that flag ineffective; or the models lack the batching_params.pbtxt that "
        "--enable_per_model_batching_parameters needs; or the file is of another server."
    )


def _estimated_parameters(facts: Facts) -> str:
    return (
        f"Estimated from the trace: {', '.join(facts.texts('parameters'))}. The split of queueing "
        "into fill, thread and dispatch depends on these values."
    )


PARAMETER_SENTENCES: dict[str, Callable[[Facts], str]] = {
    "contradicted-parameters": _contradicted_parameters,
    "batching-not-in-force": _batching_not_in_force,
    "estimated-parameters": _estimated_parameters,
}
