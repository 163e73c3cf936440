"""The label of each request's model, which a trace does not name by default.

``SessionRun`` carries ``model_id`` only if the server sets session metadata, which no command-line
flag of TensorFlow Serving does (saved_model_bundle_source_adapter.cc, tensorflow/serving 9d981c5c).
"""

from __future__ import annotations

import numpy as np

from diag.analysis.batching.queue_keys import queue_name
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.events import Int64s
from diag.model.samples import MetricsPair, ServerInfo

UNNAMED = "unnamed model"

# Models with a ledger of their own; further ones (no server has as many) share one.
MODELS_MAX = 500
OTHER_MODELS = "other models"


def only_model(capture: Capture) -> str | None:
    """The only model that the server can have run, by its status or its metrics; else None."""
    if isinstance(capture.server, ServerInfo) and not isinstance(
        capture.server.models, Unavailable
    ):
        served = [m for m in capture.server.models if m.state == "AVAILABLE"]
        if len(served) == 1:
            return f"{served[0].name}:{served[0].version}"
        names = {m.name for m in served}
        if len(names) == 1:
            return names.pop()
    if isinstance(capture.metrics, MetricsPair):
        names = {
            dict(sample.labels).get("model_name", "")
            for sample in capture.metrics.after
            if sample.name.startswith(":tensorflow:serving:request_count")
        } - {""}
        if len(names) == 1:
            return names.pop()
    return None


class ModelNames:
    """Gives each label an index, in order of first use."""

    def __init__(self, capture: Capture, names: tuple[str, ...]) -> None:
        self._names = names
        self._only = only_model(capture)
        self._index: dict[str, int] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, by index."""
        return tuple(self._index)

    def index(self, model_id: int, queue: str = "") -> int:
        """Index of the label for a request.

        Args:
            model_id: Index of its ``model_id`` text, or -1.
            queue: Label of the queue it went through, "" if none.
        """
        label = self._names[model_id] if model_id >= 0 else self._only
        if not label:
            label = queue_name(queue) if queue else UNNAMED
        if label not in self._index and len(self._index) >= MODELS_MAX:
            label = OTHER_MODELS
        return self._index.setdefault(label, len(self._index))

    def indices(self, model_id: Int64s, queue: Int64s, queues: tuple[str, ...]) -> Int64s:
        """(n,) ``index`` for many requests; ``queue`` is an index into ``queues``, -1 for none."""
        if not len(model_id):
            return model_id
        # One number for each pair, as both start at -1; a sort of pairs takes ten times as long.
        count = len(queues) + 1
        distinct, code = np.unique((model_id + 1) * count + queue + 1, return_inverse=True)
        label = [
            self.index(pair // count - 1, queues[pair % count - 1] if pair % count else "")
            for pair in distinct.tolist()
        ]
        return np.array(label, np.int64)[code]
