"""The layers that cut runs with GPU work into stages, in order of precedence.

::

    kernels              compute      memsets and copies within the device too
    copies               transfer-in, transfer-out
    behind others        device-wait
    copying calls        transfer-in, transfer-out
    preparing calls      launch       allocating, loading, compiling
    bursts               preprocess   before the run's first device work
    between              launch       from its first to its last device work
    bursts               postprocess  after the last

The last three apply to runs with kernels. Runs without kernels computed on the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from diag.analysis.execution.device_kinds import COPY_IN, COPY_OUT
from diag.analysis.execution.device_links import waits_behind
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.driver_time import DriverTime
from diag.analysis.execution.parts import Spread, StepIntervals
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.tiling import Layer
from diag.model.events import EventTable
from diag.model.serving import Stage


def device_layers(
    device: DeviceWork,
    driver: DriverTime,
    work: StepIntervals,
    spread: Spread,
    host: EventTable,
    steps: Steps,
) -> Iterator[Layer]:
    """Yield what the device did for each step, then what the host did around it.

    A generator, as each layer may hold millions of kernels.

    Args:
        device: Device time of steps.
        driver: Host time of driver calls.
        work: Other host time of the steps.
        spread: Parts of the steps.
        host: Events of the host plane.
        steps: All steps.

    Raises:
        InputError: Too many launches wait behind too many kernels.
    """
    if not device.used.any():
        return
    every = [each.events for each in device.devices]
    yield spread.layer(Stage.COMPUTE, _all(w.of_steps(w.is_compute) for w in every))
    yield spread.layer(Stage.TRANSFER_IN, _all(w.of_steps(w.kind == COPY_IN) for w in every))
    yield spread.layer(Stage.TRANSFER_OUT, _all(w.of_steps(w.kind == COPY_OUT) for w in every))
    yield spread.layer(Stage.DEVICE_WAIT, _all(waits_behind(w, host, steps) for w in every))
    yield spread.layer(Stage.TRANSFER_IN, driver.copies_in)
    yield spread.layer(Stage.TRANSFER_OUT, driver.copies_out)
    step = np.flatnonzero(device.computing)
    between = StepIntervals(step, device.first_ns[step], device.last_ns[step])
    work = work.where(device.computing[work.step])
    first, last = device.first_ns[work.step], device.last_ns[work.step]
    before = StepIntervals(work.step, work.start_ns, np.minimum(work.end_ns, first))
    after = StepIntervals(work.step, np.maximum(work.start_ns, last), work.end_ns)
    # Both are of stage launch, so that one layer holds them although they overlap.
    yield spread.layer(Stage.LAUNCH, driver.preparing.plus(between))
    yield spread.layer(Stage.PREPROCESS, before.where(before.end_ns > before.start_ns))
    yield spread.layer(Stage.POSTPROCESS, after.where(after.end_ns > after.start_ns))


def _all(parts: Iterable[StepIntervals]) -> StepIntervals:
    return StepIntervals.concat(list(parts))
