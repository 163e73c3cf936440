"""What samples saw of the GPUs, in half a sentence: all that is known where the trace has none."""

from __future__ import annotations

from diag.analysis.sampled.clock_alignment import devices_of, name_of
from diag.analysis.sampled.crosscheck import sampled_sources
from diag.analysis.sampled.messages import source_name
from diag.analysis.sampled.processes import devices_of_server
from diag.analysis.sampled.untraced import sampled_share, time_of
from diag.model.capture import Capture

_DEVICES_MAX = 4


def sampled_utilization(capture: Capture) -> str:
    """``NVML saw NVIDIA L4 (GPU 0) 63% busy over the window``; "" if no utilization was sampled.

    Of several GPUs only those that the server's process was seen on, if it was on any.
    """
    parts = []
    for source, series in sampled_sources(capture):
        served = devices_of_server(series)
        shares = [
            (name_of(series, index), share)
            for index in range(len(devices_of(series)))
            if (not served or index in served)
            and isinstance(share := sampled_share(capture, source, series, index), float)
        ]
        if shares:
            text = ", ".join(f"{name} {share:.0%} busy" for name, share in shares[:_DEVICES_MAX])
            more = f" and {len(shares) - _DEVICES_MAX} more" if len(shares) > _DEVICES_MAX else ""
            parts.append((f"{source_name(source)} saw {text}{more}", time_of(capture, series)))
    return _joined(parts)


def _joined(parts: list[tuple[str, str]]) -> str:
    """What was seen, each with its time, or with one that all share."""
    times = {time for _, time in parts}
    if len(times) == 1:
        return f"{'; '.join(text for text, _ in parts)} {times.pop()}"
    return "; ".join(f"{text} {time}" for text, time in parts)
