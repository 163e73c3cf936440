"""The metrics in which TensorFlow Serving counts answers, and which of them are inferences.

Sources: tensorflow_serving/servables/tensorflow/util.cc, model_servers/http_server.cc and
util/prometheus_exporter.cc (tensorflow/serving 9d981c5c): ``/tensorflow/serving/x`` is exposed as
``:tensorflow:serving:x``, each name with a ``# TYPE`` line even before its first value.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.samples import MetricSample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.model.samples import MetricsPair

_PREFIX = ":tensorflow:serving:"
REQUEST_COUNT = f"{_PREFIX}request_count"
REQUEST_LATENCY = f"{_PREFIX}request_latency"
RUNTIME_LATENCY = f"{_PREFIX}runtime_latency"
# Bytes of all in- and outputs of a graph's runs, tensorflow/core/common_runtime/metrics.cc.
INPUT_BYTES = ":tensorflow:core:graph_run_input_tensor_bytes"
OUTPUT_BYTES = ":tensorflow:core:graph_run_output_tensor_bytes"
LATENCY_COUNT = f"{REQUEST_LATENCY}_count"
MODEL_LABEL = "model_name"
_API_LABEL = "API"
# gRPC writes them in CamelCase, REST in lower case with "_". A status or metadata request by REST,
# such as the liveness probe of a container, has the label "".
INFERENCE_API_PATTERN = "predict|classify|regress|multi_?inference"
_INFERENCE_API = re.compile(INFERENCE_API_PATTERN, re.IGNORECASE)
# Counters are int64; a page of something else may hold any number.
_COUNT_MAX = 2.0**63
NOT_ON_PAGE = Unavailable("the metrics page has no request_count")


def is_of_model_server(pair: MetricsPair) -> bool:
    """Whether the page is a model server's: it has or declares a metric of TensorFlow Serving."""
    names = {sample.name for sample in (*pair.before, *pair.after)} | pair.declared
    return any(name.startswith(_PREFIX) for name in names)


def is_inference(sample: MetricSample) -> bool:
    """Whether a sample of a latency is of inferences; without a label API it may be of all."""
    api = dict(sample.labels).get(_API_LABEL)
    return api is None or _INFERENCE_API.fullmatch(api) is not None


def counters(
    samples: Iterable[MetricSample],
) -> dict[tuple[str, frozenset[tuple[str, str]]], MetricSample]:
    """Samples by name and labels, of two the last; without values that no counter can have."""
    return {
        (sample.name, frozenset(sample.labels)): sample
        for sample in samples
        if math.isfinite(sample.value) and 0 <= sample.value < _COUNT_MAX
    }


def inferences(samples: Iterable[MetricSample]) -> float | Unavailable:
    """Inferences answered since the server started, over all models and outcomes.

    request_count also counts probes that were answered OK; request_latency tells these apart.
    """
    found = tuple(counters(samples).values())
    probes = [each for each in found if each.name == LATENCY_COUNT and not is_inference(each)]
    counted = [each.value for each in found if each.name == REQUEST_COUNT]
    if not counted:
        return NOT_ON_PAGE
    return max(0.0, sum(counted) - sum(each.value for each in probes))
