"""What to do about a caveat or a disagreement, with the options of the command line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from diag.findings.gpu_tracing import allow_gpu_tracing
from diag.model.device import CuptiAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.report.wording.facts import Facts

_NS_PER_S = 1_000_000_000
TRACE_GPUS = "Capture without --no-device-trace."
CAPTURE_SHORTER = "Capture for a shorter time, or under less load."
CAPTURE_LONGER = "Capture for longer (--duration)."
DEDICATE_GPU = "Keep other processes off this GPU, or give the server a GPU of its own."


def _capture_longer(facts: Facts) -> str:
    if not facts.has("needed_window_ns"):
        return CAPTURE_LONGER
    needed_s = math.ceil(facts.value("needed_window_ns") / _NS_PER_S)
    return f"Capture for longer: --duration {needed_s}s or more."


def _allow_gpu_tracing(facts: Facts) -> str:
    return allow_gpu_tracing(CuptiAccess(facts.text("cupti_access")))


REMEDIES: dict[str, Callable[[Facts], str]] = {
    "allow-gpu-tracing": _allow_gpu_tracing,
    "trace-gpus": lambda _: TRACE_GPUS,
    "capture-again": lambda _: "Capture again: later batches have ids of their own.",
    "capture-again-warm": lambda _: (
        "Capture again: the first capture of a server also pays for starting CUPTI."
    ),
    "capture-bundle": lambda _: "Record a bundle with diag capture to have them.",
    "sample-python": lambda _: (
        "Record with diag run, or call diag.attach() in the program, to have them."
    ),
    "capture-longer": _capture_longer,
    "capture-longer-at-level-2": lambda _: (
        "Runs cut by the window, work outside a run, or tracer level 1 cause this: capture for "
        "longer, with --host-tracer-level 2."
    ),
    "capture-shorter": lambda _: CAPTURE_SHORTER,
    "check-batching-flags": lambda _: "Check the flags that the server was started with.",
    "give-file-in-force": lambda _: (
        "Pass the file that the server was started with, or none: --batching-parameters FILE."
    ),
    "look-at-answers": lambda _: (
        "Look at the status of the answers, at the client or in the server's metrics."
    ),
    "restart-dcgm": lambda _: (
        "To revive DCGM's profiling module, read field 1001 once (dcgmi dmon -e 1001 -c 1), or "
        "restart dcgm-exporter and its host engine."
    ),
    "give-batching-parameters": lambda _: (
        "Pass the server's file for exact values: --batching-parameters FILE."
    ),
    "tracer-level-2": lambda _: "Capture with --host-tracer-level 2.",
}
