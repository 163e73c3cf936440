"""Which sampled GPU is which GPU plane.

A plane has CUDA's number: CUDA counts only the GPUs in CUDA_VISIBLE_DEVICES, the fastest first
(CUDA_DEVICE_ORDER). NVML and DCGM count all GPUs of the machine, by PCI bus.
"""

from __future__ import annotations

import re

from diag.analysis.samples.clock_alignment import devices_of
from diag.analysis.samples.processes import devices_of_server
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.events import Plane
from diag.model.samples import SampleSeries

_ORDINAL = re.compile(r"/device:GPU:(\d+)")


def pair(planes: tuple[Plane, ...], series: SampleSeries) -> dict[str, int] | Unavailable:
    """Index in the series by plane name.

    By the server's process where the sampler saw it, else by count and order; Unavailable where
    several pairings are possible.
    """
    whole = [i for i, device in enumerate(devices_of(series)) if not device.is_mig]
    ordered = sorted(planes, key=_ordinal)
    served = [i for i in devices_of_server(series) if i in whole]
    if len(served) == len(planes):
        return _in_order(ordered, served, series)
    if not served and len(whole) == len(planes):
        return _in_order(ordered, whole, series)
    if not whole:
        return Unavailable("every sampled GPU is in MIG mode, and its slices have no utilization")
    seen = f"{len(whole)} GPUs were sampled"
    if served:
        seen += f", the server's process was seen on {len(served)}"
    return Unavailable(
        f"{seen} and the trace has {len(planes)}: which is which is not known "
        "(CUDA_VISIBLE_DEVICES renumbers them)"
    )


def pair_by_uuid(
    known: dict[str, int], by: SampleSeries, series: SampleSeries
) -> dict[str, int] | Unavailable:
    """The pairing of one series, applied to another series of the same GPUs.

    Args:
        known: Index in ``by`` by plane name.
        by: The paired series.
        series: The other.
    """
    index = {device.uuid: i for i, device in enumerate(series.devices) if device.uuid}
    own = devices_of(by)
    carried = {plane: index.get(own[i].uuid) for plane, i in known.items()}
    found = {plane: i for plane, i in carried.items() if i is not None}
    if len(found) < len(known):
        return Unavailable("the exporter lists no GPU with the UUID of the server's")
    return found


def _in_order(
    planes: list[Plane], indices: list[int], series: SampleSeries
) -> dict[str, int] | Unavailable:
    """By order; by model if the GPUs are of several kinds, as CUDA then lists the fastest first."""
    devices = devices_of(series)
    names = [devices[i].name for i in indices]
    if len(set(names)) <= 1:
        return {plane.name: i for plane, i in zip(planes, indices, strict=True)}
    by_model = {devices[i].name: i for i in indices}
    models = [plane.stats.get(ev.STAT_GPU_MODEL) for plane in planes]
    found = {
        plane.name: by_model[model]
        for plane, model in zip(planes, models, strict=True)
        if isinstance(model, str) and model in by_model
    }
    if len(by_model) == len(indices) and len(set(found.values())) == len(planes):
        return found
    return Unavailable(
        "the GPUs are of several kinds, which CUDA orders by speed and samplers by slot: which is "
        "which is not known"
    )


def _ordinal(plane: Plane) -> int:
    match = _ORDINAL.match(plane.name)
    return int(match[1]) if match else 0
