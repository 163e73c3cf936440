"""Batching parameters from the server's file or from its metrics, without estimates."""

from __future__ import annotations

import math

from diag.analysis.batching.queue_keys import QueueKeys
from diag.analysis.batching.queueing import Known
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.events import Int64s
from diag.model.samples import MetricsPair
from diag.model.serving import Origin, Parameter
from diag.simulation.options import QueueOptions

# Gauges of BatchFunction: tensorflow/core/kernels/batching_util/batch_resource_base.cc, 2.21.
_GAUGES = frozenset({"batch_timeout_micros", "max_batch_size", "num_batch_threads"})


class KnownParameters:
    """Parameters of queues, as the server's file or its metrics give them.

    A batching_parameters_file configures the queues of BatchingSession. In a capture that has only
    BatchFunction queues the file is taken for these: in-graph batchers are often set up with the
    same numbers.
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
        """batch_timeout_micros in ns; None if neither file nor metrics give it."""
        file = self._file(queue)
        if file is not None:
            return Parameter(QueueOptions.from_parameters(file).batch_timeout_ns, Origin.FILE)
        gauge = self._gauge("batch_timeout_micros", queue)
        return None if gauge is None else Parameter(gauge * 1000, Origin.METRICS)

    def max_rows(self, queue: int) -> Parameter | None:
        """The rows at which a batch is full; None if neither file nor metrics give them.

        Where tasks are split, the gauge is only an upper bound: it limits the request, while a
        batch is full at the largest of allowed_batch_sizes, whose gauge the exporter prints as 0.
        """
        file = self._file(queue)
        if file is not None:
            return Parameter(QueueOptions.from_parameters(file).full_rows, Origin.FILE)
        gauge = self._gauge("max_batch_size", queue)
        return None if gauge is None else Parameter(gauge, Origin.METRICS)

    def threads(self, queues: Int64s, seen: int) -> Known:
        """num_batch_threads of a pool, estimated where neither file nor metrics give it.

        Args:
            queues: Queues that the pool serves.
            seen: Threads that were recorded processing a batch: the estimate.
        """
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
        """The gauge of this queue's op, or a gauge without an op name; None if several differ.

        Ops of two models may have the same name, and a server without session metadata calls every
        model ``model_name_unset``: then their gauges are the same.
        """
        if not self._keys.is_function[queue]:
            return None
        node = self._keys.op_name[queue]
        values: set[int] = set()
        for (gauge, op), seen in self._gauges.items():
            if gauge == name and (not op or node == op or node.endswith("/" + op)):
                values |= seen
        return values.pop() if len(values) == 1 else None
