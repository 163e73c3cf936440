"""Names of sources, GPUs and processes as sentences use them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.quantity import number

if TYPE_CHECKING:
    from diag.model.agreement import OtherProcess

_SOURCES = {"nvml": "NVML", "agent": "the agent's NVML", "dcgm": "the DCGM exporter"}
_PLANE = re.compile(r"/device:GPU:(\d+)")
_SHOWN_MAX = 3


def source_name(source: str) -> str:
    """A source of GPU samples, in the middle of a sentence."""
    return _SOURCES.get(source, source)


def gpu_name(device: str) -> str:
    """``GPU 0`` for the plane ``/device:GPU:0``; a sampler's own name as it is."""
    match = _PLANE.fullmatch(device)
    return f"GPU {match[1]}" if match else device


def counted(count: int, one: str, many: str = "") -> str:
    """``1 GPU``, ``2 GPUs``, ``1,234 events``."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def and_more(items: Sequence[str], limit: int = _SHOWN_MAX) -> str:
    """The items with commas; those beyond the limit only counted."""
    shown = ", ".join(items[:limit])
    return f"{shown} and {len(items) - limit} more" if len(items) > limit else shown


def processes(found: tuple[OtherProcess, ...]) -> str:
    """``process 77 (python3) at 40%``, and so on."""
    return and_more([_process(each) for each in found])


def _process(process: OtherProcess) -> str:
    name = "" if isinstance(process.name, Unavailable) else f" ({process.name})"
    share = 0.0 if isinstance(process.share, Unavailable) else process.share
    return f"process {process.pid}{name} at {share:.0%}"


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return f"{text[:1].upper()}{text[1:]}"


def sampled_time(*, is_of_window: bool) -> str:
    """The time that a sampled utilization is of."""
    if is_of_window:
        return "over the window"
    return "over all samples (their clock is not related to the trace's)"
