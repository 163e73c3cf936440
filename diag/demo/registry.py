"""The served models, the truth about their requests, and metrics: the state of the server."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from diag.demo.metrics import ServerMetrics
from diag.demo.truth import RequestTruth

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from diag.demo.servable import Servable

MAX_TRUTH_REQUESTS = 200_000  # about 100 MB; older ones are dropped

# google.rpc.Code, also used by tf.errors: number -> canonical name, as in labels of metrics.
CODE_NAMES = {
    0: "OK", 1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND", 8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 12: "UNIMPLEMENTED",
    13: "INTERNAL", 14: "UNAVAILABLE",
}  # fmt: skip


class PredictError(Exception):
    """A failed request, as a gRPC status: ``code`` is its number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Registry:
    """Finds models, runs requests and records what happened.

    Attributes:
        models: Models by name.
        metrics: Metrics of this server.
    """

    def __init__(self, models: Mapping[str, Servable]) -> None:
        self.models = models
        self.metrics = ServerMetrics()
        self._lock = threading.Lock()
        self._truth: deque[RequestTruth] = deque(maxlen=MAX_TRUTH_REQUESTS)

    def find(self, name: str, version: int = 0, signature: str = "") -> Servable:
        """Find a model; version 0 is the latest, signature "" the default one.

        Raises:
            PredictError: There is no such model, version or signature.
        """
        servable = self.models.get(name)
        if servable is None or version not in (0, 1):
            wanted = f"Specific({name}, {version})" if version else f"Latest({name})"
            raise PredictError(5, f"Servable not found for request: {wanted}")
        if signature not in ("", "serving_default"):
            raise PredictError(9, f'Serving signature name: "{signature}" not found')
        return servable

    def predict(
        self, servable: Servable, inputs: NDArray[Any], *, arrival_unix_ns: int
    ) -> tuple[NDArray[np.float32], int]:
        """Run one request and record its truth.

        Returns:
            The scores and the nanoseconds inside Session::Run.

        Raises:
            PredictError: TensorFlow's status, e.g. UNAVAILABLE when the batching queue is full.
        """
        started = time.time_ns()
        try:
            scores, truth = servable.predict(inputs, arrival_unix_ns=arrival_unix_ns)
        except tf.errors.OpError as error:
            status = CODE_NAMES.get(error.error_code, "UNKNOWN")
            failed = RequestTruth(
                servable.name, len(inputs), status, arrival_unix_ns, started, time.time_ns()
            )
            self._remember(failed)
            raise PredictError(error.error_code, error.message) from error
        self._remember(truth)
        self.metrics.add_run(_bytes(inputs), _bytes(scores))
        return scores, truth.run_end_unix_ns - truth.run_start_unix_ns

    def truth(self) -> list[RequestTruth]:
        """All requests so far, oldest first."""
        with self._lock:
            return list(self._truth)

    def _remember(self, truth: RequestTruth) -> None:
        with self._lock:
            self._truth.append(truth)


def _bytes(values: NDArray[Any]) -> int:
    """Size of a tensor's content; of strings, without their pointers."""
    return sum(map(len, values.ravel())) if values.dtype == object else values.nbytes
