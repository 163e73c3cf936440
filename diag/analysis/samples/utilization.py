"""Sampled utilization of the GPUs: what is known of them where the trace has no event of one."""

from __future__ import annotations

from diag.analysis.samples.clock_alignment import devices_of, is_related, name_of
from diag.analysis.samples.cross_check import sampled_sources
from diag.analysis.samples.processes import devices_of_server
from diag.analysis.samples.untraced import sampled_share
from diag.model.agreement import SampledUtilization
from diag.model.capture import Capture


def sampled_utilization(capture: Capture) -> tuple[SampledUtilization, ...]:
    """Mean utilization of each GPU, by source; empty if none was sampled.

    Where a source saw the server's process on some GPUs, only those.
    """
    found = []
    for source, series in sampled_sources(capture):
        served = devices_of_server(series)
        is_of_window = is_related(capture, series)
        for index in range(len(devices_of(series))):
            if served and index not in served:
                continue
            share = sampled_share(capture, source, series, index)
            if isinstance(share, float):
                name = name_of(series, index)
                found.append(SampledUtilization(source, name, share, is_of_window))
    return tuple(found)
