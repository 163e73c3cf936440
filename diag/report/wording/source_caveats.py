"""Sentences about what a source holds: files, the recording, the server's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.quantity import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.report.wording.facts import Facts


def _bare_trace(_: Facts) -> str:
    return (
        "The source is a trace alone: there are no host samples, GPU samples, server metrics or "
        "model status for its window."
    )


def _dropped_events(facts: Facts) -> str:
    return f"Events were lost while recording, so times are lower bounds: {_message(facts)}"


def _tracer_errors(facts: Facts) -> str:
    return f"A tracer of the server failed: {_message(facts)}"


def _tracer_warnings(facts: Facts) -> str:
    return f"A tracer of the server warned: {_message(facts)}"


def _message(facts: Facts) -> str:
    first, *others = facts.texts("messages")
    return f"{first} (and {len(others)} more)" if others else first


def _window_end_unknown(facts: Facts) -> str:
    return (
        f"The recording went on for {duration(facts.value('after_last_event_ns'))} after its last "
        "event. The trace does not say for how long it was planned, so that time is not part of "
        "the window."
    )


def _metrics_unreadable(facts: Facts) -> str:
    return f"The server's metrics cannot be read: {facts.text('reason')}."


def _batching_parameters_unreadable(facts: Facts) -> str:
    reason = facts.text("reason")
    return f"The batching parameters that the bundle recorded cannot be used: {reason}."


def _python_not_sampled(facts: Facts) -> str:
    return (
        f"Python functions not sampled: {facts.text('reason')}. What Python does between calls of "
        "the model is not known."
    )


SOURCE_SENTENCES: dict[str, Callable[[Facts], str]] = {
    "bare-trace": _bare_trace,
    "dropped-events": _dropped_events,
    "tracer-errors": _tracer_errors,
    "tracer-warnings": _tracer_warnings,
    "python-not-sampled": _python_not_sampled,
    "window-end-unknown": _window_end_unknown,
    "metrics-unreadable": _metrics_unreadable,
    "batching-parameters-unreadable": _batching_parameters_unreadable,
}
