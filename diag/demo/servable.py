"""A loaded SavedModel, run through a callable of a TF1 session, as in TensorFlow Serving."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import CallableOptions, RunOptions

from diag.demo.models import CLOCK_SIGNATURE
from diag.demo.truth import BatchPart, RequestTruth

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

v1 = tf.compat.v1
VERSION = 1


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a session runs.

    Attributes:
        inter_op: Threads of the executor's pool, which all models share.
        intra_op: Threads inside an op; 0: one a core.
        timeout_ms: Longest run; after it, Session::Run fails with DEADLINE_EXCEEDED.
    """

    inter_op: int
    intra_op: int
    timeout_ms: int

    def size_pools(self) -> None:
        """Give the process's pools these threads: its first session does, for all that follow."""
        v1.Session(config=self.config()).close()

    def config(self) -> Any:
        """The ConfigProto of a session."""
        return v1.ConfigProto(
            inter_op_parallelism_threads=self.inter_op,
            intra_op_parallelism_threads=self.intra_op,
        )


class Servable:
    """One model version.

    Attributes:
        name: Its name in requests.
        signatures: SignatureDefs by name, without the one that returns clock readings.
    """

    def __init__(
        self, name: str, path: Path, options: SessionOptions, *, session_metadata: bool
    ) -> None:
        self.name = name
        config = options.config()
        if session_metadata:
            config.experimental.session_metadata.name = name
            config.experimental.session_metadata.version = VERSION
        self._session = v1.Session(graph=tf.Graph(), config=config)
        with self._session.graph.as_default():
            meta = v1.saved_model.loader.load(
                self._session, [v1.saved_model.tag_constants.SERVING], str(path)
            )
        clocked = meta.signature_def[CLOCK_SIGNATURE]
        self.signatures: dict[str, Any] = {
            key: value for key, value in meta.signature_def.items() if key != CLOCK_SIGNATURE
        }
        self._outputs = sorted(clocked.outputs)
        # The public make_callable goes through Session.run and its feed dictionaries, which costs
        # 0.5 ms per request. This one maps to the C++ Session::MakeCallable.
        self._run = self._session._make_callable_from_options(
            CallableOptions(
                feed=[clocked.inputs["inputs"].name],
                fetch=[clocked.outputs[key].name for key in self._outputs],
                run_options=RunOptions(timeout_in_ms=options.timeout_ms),
            )
        )

    @property
    def input_dtype(self) -> Any:
        """TensorFlow's dtype of the input, ``inputs``."""
        return tf.as_dtype(self.signatures["serving_default"].inputs["inputs"].dtype)

    def predict(
        self, inputs: NDArray[Any], *, arrival_unix_ns: int
    ) -> tuple[NDArray[np.float32], RequestTruth]:
        """Run one request.

        Args:
            inputs: Rows in the first dimension.
            arrival_unix_ns: When the handler received the request.

        Returns:
            The scores, one per row, and the truth about the request.

        Raises:
            tf.errors.OpError: The session refused the request or failed.
        """
        run_start = time.time_ns()
        values = dict(zip(self._outputs, self._run(inputs), strict=True))
        run_end = time.time_ns()
        truth = RequestTruth(
            model=self.name,
            rows=len(inputs),
            status="OK",
            arrival_unix_ns=arrival_unix_ns,
            run_start_unix_ns=run_start,
            run_end_unix_ns=run_end,
            request_unix_ns=_unix_ns(values["request_time"]),
            ready_unix_ns=_unix_ns(values["ready_time"]),
            done_unix_ns=_unix_ns(values["done_time"]),
            parts=_parts(values["start_time"], values["end_time"], values["executed_rows"]),
        )
        return values["scores"], truth

    def close(self) -> None:
        """Close the session; batches in flight end first."""
        self._session.close()


def _unix_ns(seconds: Any) -> int:
    """Whole microseconds in float64 seconds, as integer nanoseconds."""
    return round(float(seconds) * 1e6) * 1000


def _parts(start: Any, end: Any, executed_rows: Any) -> tuple[BatchPart, ...]:
    """Group a request's rows by the batch that they ran in."""
    parts: dict[tuple[float, float], list[int]] = {}
    for key, executed in zip(
        zip(start.tolist(), end.tolist(), strict=True), executed_rows.tolist(), strict=True
    ):
        parts.setdefault(key, []).append(executed)
    return tuple(
        BatchPart(_unix_ns(s), _unix_ns(e), rows=len(executed), executed_rows=executed[0])
        for (s, e), executed in parts.items()
    )
