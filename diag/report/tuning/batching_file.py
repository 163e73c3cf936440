"""The batching_parameters_file of a proposal, with what was measured and predicted as comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.prediction import thresholds
from diag.report.tuning.words import NAMES, shown, tuning_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.tuning import Tuning

_METRICS = ("mean_ms", "p99_ms", "throughput_per_s", "rows_mean", "refused_ratio")


def parameters_file(tuning: Tuning) -> str:
    """A complete file in the text format of BatchingParameters; it ends with a newline.

    Fields that the recording does not tell and that were not tried are left out: the server's
    default applies. A server has one file for all its queues. Where these have different values,
    those of the queue with most requests are in force, and the others are comments. Source of the
    format: session_bundle_config.proto, tensorflow/serving 9d981c5c.
    """
    return "".join(f"{line}\n" for line in (*_comments(tuning), "", *_fields(tuning)))


def _comments(tuning: Tuning) -> Iterator[str]:
    name = printable(tuning.capture.name, NAME_MAX_CHARS)
    yield f"# Predicted by diag tune from {name}."
    if isinstance(tuning.prediction, Unavailable):
        yield f"# {tuning_sentence(tuning)}"
    else:
        for metric in _METRICS:
            made = tuning.prediction[metric]
            value, low, high = (shown(metric, x) for x in (made.value, made.low, made.high))
            now = shown(metric, getattr(tuning.self_check.measured, metric))
            yield f"# {NAMES[metric]}: {now} measured, {value} predicted ({low} to {high})"
    if tuning.proposed.handlers:
        yield f"# Predicted with --grpc_max_threads={tuning.proposed.handlers}."
    if not any(tuning.proposed.queues):
        yield "# Requests are not batched with these settings: no parameter applies."
        return
    if tuning.is_function:
        yield "# The batching is inside the model, and the server reads no file for it. Export the"
        yield "# model again with these values as attributes of its BatchFunction."
        return
    yield "# Start the server again with --enable_batching and"
    yield "# --batching_parameters_file=<this file>: it reads the file only when it starts."
    yield "# It applies to all models; one with a batching_params.pbtxt of its own takes all but"
    yield "# the threads from there."


def _fields(tuning: Tuning) -> Iterator[str]:
    """The fields of the busiest queue, and as comments what others have in their place."""
    models: dict[tuple[str, ...], list[str]] = {}
    for queue in tuning.busiest_first:
        models.setdefault(tuple(_queue_fields(tuning, queue)), []).append(tuning.queues[queue])
    (first, _), *others = models.items()
    yield from first
    for fields, named in others:
        yield ""
        yield f"# {', '.join(printable(each, NAME_MAX_CHARS) for each in named)}:"
        yield from (f"#   {field}" for field in fields if field not in first)


def _queue_fields(tuning: Tuning, queue: int) -> Iterator[str]:
    options = tuning.proposed.queues[queue]
    if options is None:
        return
    if options.max_batch_size < thresholds.NO_LIMIT:
        yield f"max_batch_size {{ value: {options.max_batch_size} }}"
    yield f"batch_timeout_micros {{ value: {options.batch_timeout_ns // 1000} }}"
    if options.max_enqueued_batches < thresholds.NO_LIMIT:
        yield f"max_enqueued_batches {{ value: {options.max_enqueued_batches} }}"
    yield f"num_batch_threads {{ value: {tuning.proposed.threads[tuning.proposed.pools[queue]]} }}"
    for size in options.allowed_batch_sizes:
        yield f"allowed_batch_sizes: {size}"
    if tuning.pads_inputs:
        yield "pad_variable_length_inputs: true"
    if options.enable_large_batch_splitting:
        yield "enable_large_batch_splitting { value: true }"
        if options.full_rows < thresholds.NO_LIMIT:
            yield f"max_execution_batch_size {{ value: {options.full_rows} }}"
