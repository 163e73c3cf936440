"""What ran on the server: the host plane, its steps, the device work, and the stages of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.async_ops import AsyncOps, find_async_ops
from diag.analysis.execution.closures import Closures, find_closures
from diag.analysis.execution.device_work import DeviceWork, find_device_work
from diag.analysis.execution.host_calls import HostCalls, find_host_calls
from diag.analysis.execution.op_class import classify_all
from diag.analysis.execution.step_stages import StepStages, stage_steps
from diag.analysis.execution.steps import Steps, find_steps
from diag.analysis.execution.thread_waits import find_thread_waits
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Plane

_NO_EVENTS = EventTable(
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    (),
    {},
)
_NO_PLANE = Plane(0, ev.HOST_PLANE, (), _NO_EVENTS, {})


@dataclass(frozen=True, slots=True, eq=False)
class Execution:
    """Everything that ran in the window, before it is assigned to requests.

    Attributes:
        host: The host plane; an empty one where the trace has none.
        op_class: (names,) ``OpClass`` by index into ``host.events.names``.
        steps: Executor steps.
        ops: Asynchronous ops, calls into in-graph batchers among them.
        device: Work on GPUs.
        calls: Host events that explain idle time by themselves.
        closures: When closures were handed to thread pools and when they began.
        staged: Steps cut into stages.
    """

    host: Plane
    op_class: NDArray[np.int8]
    steps: Steps
    ops: AsyncOps
    device: DeviceWork
    calls: HostCalls
    closures: Closures
    staged: StepStages

    @property
    def events(self) -> EventTable:
        """Events of the host plane."""
        return self.host.events

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of the host plane's lines, by ``EventTable.line_index``."""
        return tuple(line.name for line in self.host.lines)


def find_execution(
    planes: tuple[Plane, ...],
    preprocess_ops: re.Pattern[str] | None = None,
    loads_told: int = 0,
) -> Execution:
    """Read steps and device work, and cut the steps into stages.

    Args:
        planes: All planes of the trace.
        preprocess_ops: Further ops that count as preprocessing.
        loads_told: Loads of models that the server tells of, see ``find_model_loading``.

    Raises:
        InputError: The trace is too long and full to analyse, or has more GPUs than a server.
    """
    host = _host_plane(planes)
    events, lines = host.events, tuple(line.name for line in host.lines)
    op_class = classify_all(events.names, preprocess_ops)
    steps = find_steps(events)
    ops = find_async_ops(events, steps)
    device = find_device_work(planes, events, steps)
    calls = find_host_calls(host, steps, device.launches, loads_told)
    closures = find_closures(events)
    waits = find_thread_waits(events, lines, closures, steps)
    staged = stage_steps(events, steps, ops, op_class, device, calls, waits)
    return Execution(host, op_class, steps, ops, device, calls, closures, staged)


def _host_plane(planes: tuple[Plane, ...]) -> Plane:
    """The host plane with the most events; a trace of one server has one host plane."""
    hosts = [plane for plane in planes if plane.name == ev.HOST_PLANE]
    return max(hosts, key=lambda plane: len(plane.events), default=_NO_PLANE)
