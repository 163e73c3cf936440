"""The layers that tile runs which used a GPU, in order of precedence.

::

    kernels              compute      memsets and copies within the device too
    copies               transfer-in, transfer-out
    behind others        device-wait
    copying calls        transfer-in, transfer-out
    preparing calls      launch       allocating, loading, compiling
    bursts               preprocess   before the run's first device work
    between              launch       from its first to its last device work
    bursts               postprocess  after the last

The last three are of runs with kernels; what runs without any did on the host, they computed there.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.columns.tiling import Layer
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.driver_time import DriverTime
from diag.analysis.execution.parts import Spread, StepIntervals
from diag.model.serving import Stage


def device_layers(
    device: DeviceWork, driver: DriverTime, work: StepIntervals, spread: Spread
) -> list[Layer]:
    """What the device did for each step, then what the host did around it.

    Args:
        device: Device time of steps.
        driver: Host time of their calls.
        work: What else the host did for them.
        spread: Their parts.
    """
    if not device.used.any():
        return []
    step = np.flatnonzero(device.computing)
    between = StepIntervals(step, device.first_ns[step], device.last_ns[step])
    work = work.where(device.computing[work.step])
    first, last = device.first_ns[work.step], device.last_ns[work.step]
    before = StepIntervals(work.step, work.start_ns, np.minimum(work.end_ns, first))
    after = StepIntervals(work.step, np.maximum(work.start_ns, last), work.end_ns)
    return [
        spread.layer(Stage.COMPUTE, device.kernels),
        spread.layer(Stage.TRANSFER_IN, device.copies_in),
        spread.layer(Stage.TRANSFER_OUT, device.copies_out),
        spread.layer(Stage.DEVICE_WAIT, device.behind),
        spread.layer(Stage.TRANSFER_IN, driver.copies_in),
        spread.layer(Stage.TRANSFER_OUT, driver.copies_out),
        # Of one stage and never in each other's way, save where both hold.
        spread.layer(Stage.LAUNCH, driver.preparing.plus(between)),
        spread.layer(Stage.PREPROCESS, before.where(before.end_ns > before.start_ns)),
        spread.layer(Stage.POSTPROCESS, after.where(after.end_ns > after.start_ns)),
    ]
