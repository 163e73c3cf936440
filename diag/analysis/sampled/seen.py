"""What samples saw of the GPUs, in half a sentence: all that is known where the trace has none."""

from __future__ import annotations

from diag.analysis.sampled.crosscheck import sampled_sources
from diag.analysis.sampled.placing import devices_of
from diag.analysis.sampled.processes import devices_of_server
from diag.analysis.sampled.untraced import sampled_share
from diag.analysis.sampled.words import source_name
from diag.model.capture import Capture

_DEVICES_MAX = 4


def sampled_utilization(capture: Capture) -> str:
    """``NVML saw NVIDIA L4 (GPU 0) 63% busy over the window``; "" if no utilization was sampled.

    Of several GPUs only those that the server's process was seen on, if it was on any.
    """
    parts = []
    for source, series in sampled_sources(capture):
        devices = devices_of(series)
        served = devices_of_server(series)
        shares = [
            (f"{devices[index].name} (GPU {index})", share)
            for index in range(len(devices))
            if (not served or index in served)
            and (share := sampled_share(source, series, index)) is not None
        ]
        if shares:
            text = ", ".join(f"{name} {share:.0%} busy" for name, share in shares[:_DEVICES_MAX])
            more = len(shares) - _DEVICES_MAX
            parts.append(
                f"{source_name(source)} saw {text}{f' and {more} more' if more > 0 else ''}"
            )
    return f"{'; '.join(parts)} over the window" if parts else ""
