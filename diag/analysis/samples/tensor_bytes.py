"""Bytes of in- and outputs of graphs between the two scrapes of the server's metrics.

``/tensorflow/core/graph_run_input_tensor_bytes`` and ``…output…`` are histograms without labels
(tensorflow/core/common_runtime/metrics.cc; a live server of tensorflow/serving 9d981c5c prints
them). A batch's padding rows count, and so do runs of warm-ups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.analysis.thresholds import METRIC_MAX_ERROR_RATIO
from diag.formats.text.serving_metrics import INPUT_BYTES, OUTPUT_BYTES
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.model.capture import Capture
    from diag.model.samples import MetricSample

_MISSING = Unavailable("the metrics page does not count the bytes of in- and outputs")


class TensorBytes(NamedTuple):
    """Bytes between the scrapes."""

    inputs: float
    outputs: float


def tensor_bytes(capture: Capture) -> TensorBytes | Unavailable:
    """The difference of the two pages; Unavailable where the digits printed hide too much of it."""
    pair = capture.metrics
    if isinstance(pair, Unavailable):
        return pair
    inputs = _added(f"{INPUT_BYTES}_sum", pair.before, pair.after)
    if isinstance(inputs, Unavailable):
        return inputs
    outputs = _added(f"{OUTPUT_BYTES}_sum", pair.before, pair.after)
    if isinstance(outputs, Unavailable):
        return outputs
    return TensorBytes(inputs, outputs)


def _added(
    name: str, before: tuple[MetricSample, ...], after: tuple[MetricSample, ...]
) -> float | Unavailable:
    found = [sample for sample in after if sample.name == name]
    if not found:
        return _MISSING
    earlier = [sample for sample in before if sample.name == name]
    added = sum(each.value for each in found) - sum(each.value for each in earlier)
    error = sum(each.step for each in (*found, *earlier)) / 2
    if added < 0 or error > METRIC_MAX_ERROR_RATIO * added:
        return Unavailable("the metrics page prints the bytes of in- and outputs too coarsely")
    return added
