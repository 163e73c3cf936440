"""Time after the model until the answer, and how large answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.analysis.samples.tensor_bytes import tensor_bytes
from diag.findings import thresholds
from diag.findings.shares import top_model
from diag.model.availability import Unavailable
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

STAGES_AFTER = (Stage.TRANSFER_OUT, Stage.BATCH_SPLIT, Stage.POSTPROCESS)


class Egress(NamedTuple):
    """Time after the model, of the mean request.

    Attributes:
        bytes_out: Size of a request's outputs.
        inside_ns: In the stages after the model.
        outside_ns: Outside Session::Run, the part that outputs have in the bytes of in- and
            outputs; Unavailable without the server's metrics.
        total_ns: The mean request, with all of its time outside Session::Run.
    """

    bytes_out: float
    inside_ns: float
    outside_ns: float | Unavailable
    total_ns: float

    @property
    def after_ns(self) -> float:
        """All of it."""
        outside = 0.0 if isinstance(self.outside_ns, Unavailable) else self.outside_ns
        return self.inside_ns + outside

    @property
    def share(self) -> float:
        """Of the request's time."""
        return self.after_ns / self.total_ns


def find_egress(inputs: RuleInputs) -> Egress | None:
    """None where outputs are small or their size is not known, or this takes little."""
    size = output_bytes(inputs.analysis)
    if isinstance(size, Unavailable) or size < thresholds.OUTPUT_MIN_BYTES:
        return None
    mean = inputs.shares.mean_ns
    inside = inputs.stage_mean_ns(sum(inputs.shares.by_stage[stage] for stage in STAGES_AFTER))
    outside, part = _outside(inputs.analysis), _output_part(inputs.analysis)
    if isinstance(outside, Unavailable) or isinstance(part, Unavailable):
        unknown = outside if isinstance(outside, Unavailable) else part
        found = Egress(size, inside, unknown, mean)
    else:
        found = Egress(size, inside, outside * part, mean + outside)
    return found if found.share >= thresholds.STAGE_MIN_SHARE else None


def output_bytes(analysis: Analysis) -> float | Unavailable:
    """Bytes of outputs a request: copied back from the GPU, else by the server's metrics."""
    cost = top_model(analysis)
    if cost is not None and not isinstance(cost.bytes_out_per_request, Unavailable):
        return cost.bytes_out_per_request
    found, answers = tensor_bytes(analysis.capture), _answers(analysis)
    if isinstance(found, Unavailable):
        return found
    return found.outputs / answers if answers else Unavailable("no answer was counted")


def _output_part(analysis: Analysis) -> float | Unavailable:
    """Outputs over in- and outputs, in bytes."""
    found, cost = tensor_bytes(analysis.capture), top_model(analysis)
    if not isinstance(found, Unavailable):
        return found.outputs / max(1.0, found.inputs + found.outputs)
    if cost is None:
        return found
    size_in, size_out = cost.bytes_in_per_request, cost.bytes_out_per_request
    if isinstance(size_in, Unavailable) or isinstance(size_out, Unavailable):
        return found
    return size_out / max(1.0, size_in + size_out)


def _outside(analysis: Analysis) -> float | Unavailable:
    """Mean time of an answer outside Session::Run, ns, over the models where it is known."""
    if isinstance(analysis.metrics, Unavailable):
        return analysis.metrics
    known = [
        (model.outside_mean_ns, sum(model.responses.values()))
        for model in analysis.metrics
        if not isinstance(model.outside_mean_ns, Unavailable)
        and not isinstance(model.responses, Unavailable)
    ]
    answers = sum(count for _, count in known)
    if not answers:
        return Unavailable("the server's metrics do not give the time outside Session::Run")
    return sum(ns * count for ns, count in known) / answers


def _answers(analysis: Analysis) -> int:
    if isinstance(analysis.metrics, Unavailable):
        return 0
    counts = (model.responses for model in analysis.metrics)
    return sum(sum(each.values()) for each in counts if not isinstance(each, Unavailable))
