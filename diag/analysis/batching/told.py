"""Batching parameters as the server's metrics or its file tell them, source by source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from diag.analysis.batching.queue_keys import QueueKeys
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.samples import MetricsPair
from diag.model.serving import Origin, Parameter
from diag.simulation.options import (
    DEFAULT_BATCH_TIMEOUT_MICROS,
    DEFAULT_MAX_BATCH_SIZE,
    DEFAULT_MAX_ENQUEUED_BATCHES,
    timeout_ns,
)

# Gauges of BatchFunction: tensorflow/core/kernels/batching_util/batch_resource_base.cc, 2.21.
_GAUGES = ("batch_timeout_micros", "max_batch_size", "num_batch_threads")
# INT64_MAX as a metrics page gives it: the nearest float.
_LARGEST: Final = 1 << 63
# The smallest value that a server runs with (shared_batch_scheduler.h, Create and AddQueue,
# TensorFlow 2.21). A BatchFunction with 0 threads uses a shared pool of unknown size.
_LOWEST = {"max_batch_size": 1, "batch_timeout_micros": 0, "max_execution_batch_size": 1}
_DEFAULTS = {
    "max_batch_size": DEFAULT_MAX_BATCH_SIZE,
    "batch_timeout_micros": DEFAULT_BATCH_TIMEOUT_MICROS,
    "max_enqueued_batches": DEFAULT_MAX_ENQUEUED_BATCHES,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What one source tells about one queue.

    Attributes:
        origin: ``METRICS`` or ``FILE``.
        numbers: Fields of a batching_parameters_file, as they were told.
        allowed_batch_sizes: In the order of the file; None if the source does not tell them.
        is_split: Whether tasks are split; None if the source does not tell.
        has_defaults: Whether a field that is not told has the server's default.
        is_bound: Whether max_batch_size may only bound the rows of a batch: a gauge limits
            requests, while a batch of a splitting queue is full at the largest of
            allowed_batch_sizes, whose gauge the exporter prints as 0.
    """

    origin: Origin
    numbers: dict[str, int | float]
    allowed_batch_sizes: tuple[int, ...] | None = None
    is_split: bool | None = None
    has_defaults: bool = False
    is_bound: bool = False

    def number(self, name: str) -> Parameter | None:
        """A field in the unit of the file; None if it is not told, or no server runs with it."""
        value = self.numbers.get(name)
        if value is None and self.has_defaults and name in _DEFAULTS:
            return Parameter(_DEFAULTS[name], Origin.DEFAULT)
        if value is None or not _is_possible(name, value):
            return None
        return Parameter(int(value), self.origin)

    def impossible(self) -> tuple[str, ...]:
        """The fields that no server runs with."""
        names = (name for name in self.numbers if name in _LOWEST)
        return tuple(name for name in names if not _is_possible(name, self.numbers[name]))

    @property
    def timeout(self) -> Parameter | None:
        """batch_timeout_micros in ns."""
        told = self.number("batch_timeout_micros")
        return None if told is None else Parameter(timeout_ns(told.value), told.origin)

    @property
    def full_name(self) -> str:
        """The field that says at how many rows a batch is full."""
        has_own = "max_execution_batch_size" in self.numbers
        return "max_execution_batch_size" if self.is_split and has_own else "max_batch_size"

    @property
    def full_rows(self) -> Parameter | None:
        """Rows at which a batch is full."""
        return None if self.is_bound else self.number(self.full_name)

    @property
    def threads(self) -> Parameter | None:
        """num_batch_threads."""
        told = self.number("num_batch_threads")
        return told if told is not None and told.value > 0 else None


def _is_possible(name: str, value: int | float) -> bool:
    return value == value and _LOWEST.get(name, 0) <= value <= _LARGEST and value == int(value)


class Sources:
    """What each source tells, by queue.

    A batching_parameters_file configures the queues of BatchingSession. In a capture that has only
    BatchFunction queues the file is a hint for these, which they do not read: in-graph batchers are
    often set up with the same numbers. They have no defaults.
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
        self._gauges: dict[tuple[str, str], set[float]] = {}
        if isinstance(metrics, MetricsPair):
            for sample in metrics.after:
                name = sample.name.rpartition(":")[2]
                if ":batching:" in sample.name and name in _GAUGES:
                    op = dict(sample.labels).get("op_name", "")
                    self._gauges.setdefault((name, op), set()).add(sample.value)

    def of_queue(self, queue: int) -> tuple[Told, ...]:
        """The sources that tell something about a queue, the one nearest to the server first."""
        told = (self._from_metrics(queue), self._from_file(queue))
        return tuple(each for each in told if each is not None)

    def _from_file(self, queue: int) -> Told | None:
        given, is_function = self._given, bool(self._keys.is_function[queue])
        if given is None or (is_function and not self._for_functions):
            return None
        names = (*_GAUGES, "max_enqueued_batches", "max_execution_batch_size")
        values = {name: getattr(given, name) for name in names}
        splitting = given.enable_large_batch_splitting
        return Told(
            Origin.FILE,
            {name: value for name, value in values.items() if value is not None},
            allowed_batch_sizes=(given.allowed_batch_sizes or None)
            if is_function
            else given.allowed_batch_sizes,
            is_split=splitting if is_function else bool(splitting),
            has_defaults=not is_function,
        )

    def _from_metrics(self, queue: int) -> Told | None:
        if not self._keys.is_function[queue]:
            return None
        values = {name: self._gauge(name, queue) for name in _GAUGES}
        numbers: dict[str, int | float] = {k: v for k, v in values.items() if v is not None}
        return Told(Origin.METRICS, numbers, is_bound=bool(self._keys.is_split[queue]))

    def _gauge(self, name: str, queue: int) -> float | None:
        """The gauge of this queue's op, or a gauge without an op name; None if several differ.

        Ops of two models may have the same name, and a server without session metadata calls every
        model ``model_name_unset``: then their gauges are the same.
        """
        node = self._keys.op_name[queue]
        values: set[float] = set()
        for (gauge, op), seen in self._gauges.items():
            if gauge == name and (not op or node == op or node.endswith("/" + op)):
                values |= seen
        return values.pop() if len(values) == 1 else None
