"""Batching parameters that need no estimate: from the server's file, or from its metrics."""

from __future__ import annotations

import math

from diag.analysis.batching.queue_keys import QueueKeys
from diag.analysis.batching.queueing import Known
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.events import Int64s
from diag.model.samples import MetricsPair
from diag.model.serving import Origin, Parameter

# Server defaults for a field the file leaves out: session_bundle_config.proto and
# shared_batch_scheduler.h (tensorflow/serving 9d981c5c, TensorFlow 2.21).
DEFAULT_MAX_BATCH_SIZE = 1000
DEFAULT_BATCH_TIMEOUT_MICROS = 0

# Gauges of BatchFunction: tensorflow/core/kernels/batching_util/batch_resource_base.cc, 2.21.
_GAUGES = frozenset({"batch_timeout_micros", "max_batch_size", "num_batch_threads"})


class KnownParameters:
    """Parameters that need no estimate: from the server's file or its metrics.

    A batching_parameters_file configures BatchingSession; where there is none in the capture (an
    in-graph batcher set up with the same numbers) it is taken for the BatchFunction queues.
    """

    def __init__(
        self,
        keys: QueueKeys,
        given: BatchingParameters | None,
        metrics: MetricsPair | Unavailable,
    ) -> None:
        self._keys = keys
        self._given = given
        self._for_functions = bool(keys.is_function.all())
        self._gauges: dict[tuple[str, str], set[int]] = {}
        if isinstance(metrics, MetricsPair):
            for sample in metrics.after:
                name = sample.name.rpartition(":")[2]
                if ":batching:" in sample.name and name in _GAUGES and math.isfinite(sample.value):
                    op = dict(sample.labels).get("op_name", "")
                    self._gauges.setdefault((name, op), set()).add(int(sample.value))

    def timeout_ns(self, queue: int) -> Known | None:
        """batch_timeout_micros in ns."""
        file = self._file(queue)
        if file is not None:
            micros = file.batch_timeout_micros
            value = DEFAULT_BATCH_TIMEOUT_MICROS if micros is None else micros
            return Parameter(value * 1000, Origin.FILE)
        gauge = self._gauge("batch_timeout_micros", queue)
        return None if gauge is None else Parameter(gauge * 1000, Origin.METRICS)

    def max_rows(self, queue: int) -> Parameter | None:
        """The rows at which a batch is full.

        Where tasks are split, the gauge is only a bound: it limits the request, and a batch is
        full at the largest of allowed_batch_sizes, whose gauge the exporter prints as 0.
        """
        file = self._file(queue)
        if file is not None:
            size = (
                file.max_batch_size if file.max_batch_size is not None else DEFAULT_MAX_BATCH_SIZE
            )
            if file.enable_large_batch_splitting and file.max_execution_batch_size:
                size = file.max_execution_batch_size
            return Parameter(size, Origin.FILE)
        gauge = self._gauge("max_batch_size", queue)
        return None if gauge is None else Parameter(gauge, Origin.METRICS)

    def threads(self, queues: Int64s, seen: int) -> Known:
        """num_batch_threads of a pool; estimated by the threads that were seen to run a batch."""
        for queue in queues.tolist():
            file = self._file(queue)
            if file is not None and file.num_batch_threads is not None:
                return Parameter(file.num_batch_threads, Origin.FILE)
            gauge = self._gauge("num_batch_threads", queue)
            if gauge is not None:
                return Parameter(gauge, Origin.METRICS)
        if not seen:
            return Unavailable("no batch of this queue was recorded whole")
        return Parameter(seen, Origin.ESTIMATED)

    def _file(self, queue: int) -> BatchingParameters | None:
        applies = self._for_functions or not self._keys.is_function[queue]
        return self._given if applies else None

    def _gauge(self, name: str, queue: int) -> int | None:
        """The gauge of this queue's op, or one that names no op; None where several differ.

        Ops of two models may bear one name, and a server without session metadata calls every
        model ``model_name_unset``: then nothing tells their gauges apart.
        """
        if not self._keys.is_function[queue]:
            return None
        node = self._keys.op_name[queue]
        values: set[int] = set()
        for (gauge, op), seen in self._gauges.items():
            if gauge == name and (not op or node == op or node.endswith("/" + op)):
                values |= seen
        return values.pop() if len(values) == 1 else None
