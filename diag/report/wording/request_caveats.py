"""Sentences about requests and their stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.thresholds import MIN_WINDOW_OVER_P99
from diag.model.quantity import duration, number
from diag.report.wording.names import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.report.wording.facts import Facts


def _tracer_level_1(_: Facts) -> str:
    return (
        "Recorded at tracer level 1: the stages of a batch's run and the splitting of its output "
        "count as compute, unbatched requests are not recorded, and idle time without demand only "
        "means that no batched request was open."
    )


def _unbatched_not_recorded(facts: Facts) -> str:
    if facts.has("tracer_level"):
        return (
            "The number of requests is not known: at tracer level 1 unbatched requests are not "
            "recorded."
        )
    return (
        "The trace shows work but no TensorFlow Serving request: it is of another program, such as "
        "a training job, or was recorded at tracer level 1, which hides unbatched requests."
    )


def _window_too_short(facts: Facts) -> str:
    statistic = facts.text("statistic")
    name = f"{statistic} latency" if statistic == "mean" else statistic
    latency = duration(facts.value("latency_ns"))
    return (
        f"The window of {duration(facts.value('window_ns'))} is shorter than "
        f"{MIN_WINDOW_OVER_P99} times the {name} of {facts.text('model')} ({latency}), so long "
        "requests are recorded less often than they occur."
    )


def _many_censored(facts: Facts) -> str:
    return (
        f"{counted(facts.count('cut_count'), 'request')} began before the window or ended after it "
        f"and are left out; {number(facts.count('whole_count'))} were recorded whole."
    )


def _ambiguous_batch_id(facts: Facts) -> str:
    return (
        f"{counted(facts.count('tasks_count'), 'task')} joined the first batch of a queue, whose "
        "id 0 several queues share: the requests of these tasks are incomplete."
    )


def _model_loaded(facts: Facts) -> str:
    loaded, before = facts.texts("loaded"), facts.texts("before")
    runs = facts.count("runs_count")
    sentences = []
    if loaded:
        had = f" (before: {', '.join(before)})" if before else ""
        sentences.append(f"The server loaded {', '.join(loaded)} during the recording{had}.")
    if runs:
        many = "loads or warms up a model: it is no request"
        if runs > 1:
            many = "load or warm up a model: they are no requests"
        sentences.append(f"{counted(runs, 'run')} {many}.")
    return " ".join(sentences)


def _refusals_not_recorded(facts: Facts) -> str:
    of_all = counted(facts.count("requests_count"), "request")
    return (
        f"{number(facts.count('empty_count'))} of {of_all} ran no op that the trace shows, in a "
        "process with batch threads. Before TensorFlow 2.15 a call that an in-graph batcher "
        "refuses leaves no event and looks like that: these requests may have failed."
    )


REQUEST_SENTENCES: dict[str, Callable[[Facts], str]] = {
    "tracer-level-1": _tracer_level_1,
    "unbatched-not-recorded": _unbatched_not_recorded,
    "window-too-short": _window_too_short,
    "many-censored": _many_censored,
    "refusals-not-recorded": _refusals_not_recorded,
    "ambiguous-batch-id": _ambiguous_batch_id,
    "model-loaded": _model_loaded,
}
