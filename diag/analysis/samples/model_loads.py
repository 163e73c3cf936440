"""Which model versions the server loaded while it was recorded, by its own counters."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.samples import MetricSample

# TF:tensorflow/cc/saved_model/metrics.cc, 2.21: /tensorflow/cc/saved_model/load_attempt_count;
# its label model_path ends with the folders of the model and the version.
_LOADS = ":tensorflow:cc:saved_model:load_attempt_count"
# S:tensorflow_serving/apis/get_model_status.proto: the state until warm-up has ended
_LOADING = "LOADING"


@dataclass(frozen=True, slots=True)
class ModelLoads:
    """Versions as ``name version number``.

    Attributes:
        loaded: Loaded with success between the two readings of the metrics.
        before: Versions of the same models that the server had when the capture began.
    """

    loaded: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


def find_model_loads(capture: Capture) -> ModelLoads:
    """Compare the counters; empty without metrics or without a load."""
    if isinstance(capture.metrics, Unavailable):
        return ModelLoads()
    before, after = _loads(capture.metrics.before), _loads(capture.metrics.after)
    new = sorted(version for version, count in after.items() if count > before.get(version, 0))
    names = {name for name, _ in new}
    info = capture.server
    models = () if isinstance(info, Unavailable) else info.models
    served = () if isinstance(models, Unavailable) else models
    had = [(model.name, str(model.version)) for model in served if model.name in names]
    return ModelLoads(tuple(map(_named, new)), tuple(map(_named, sorted(set(had) - set(new)))))


def count_loads(capture: Capture) -> int:
    """Number of versions loaded between the two readings, or in a load as the capture began.

    The counter grows before warm-up, so the status of a version may be the only sign of it.
    """
    info = capture.server
    models = () if isinstance(info, Unavailable) else info.models
    served = () if isinstance(models, Unavailable) else models
    loading = {_named((m.name, str(m.version))) for m in served if m.state == _LOADING}
    return len(loading.union(find_model_loads(capture).loaded))


def _loads(samples: tuple[MetricSample, ...]) -> dict[tuple[str, str], float]:
    """Successful loads by model and version."""
    out: dict[tuple[str, str], float] = {}
    for sample in samples:
        labels = dict(sample.labels)
        if sample.name == _LOADS and labels.get("status") == "success":
            parts = [part for part in labels.get("model_path", "").split("/") if part]
            if len(parts) >= 2 and parts[-1].isdigit():
                key = (parts[-2], parts[-1])
                out[key] = out.get(key, 0.0) + sample.value
    return out


def _named(version: tuple[str, str]) -> str:
    return f"{version[0]} version {version[1]}"
