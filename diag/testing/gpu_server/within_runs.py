"""Scenarios of what is wrong within runs while the GPU may well be busy."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from diag.testing.gpu_server.models import ALONE, CONVOLUTIONS, INPUT, ISLANDS, OUTPUT, Scenario
from diag.testing.gpu_server.plan import MS, US, Load, Plan

WITHIN_RUNS: Final = (
    Scenario(
        "device-ping-pong",
        None,
        Plan(
            (
                replace(
                    ALONE,
                    ops=(INPUT, *ISLANDS, OUTPUT),
                    load=Load(clients=1, think_ns=20 * US),
                ),
            )
        ),
        "device-ping-pong",
    ),
    Scenario(
        "gpu-throttled",
        None,
        Plan((replace(ALONE, load=Load(period_ns=9 * MS)),), duration_ns=400 * MS, clock=0.5),
        "gpu-throttled",
    ),
    Scenario(
        "kernel-time-unstable",
        None,
        Plan(
            (
                replace(
                    ALONE,
                    ops=(
                        INPUT,
                        *(
                            replace(op, calls=(replace(op.calls[0], slow_share=0.3),))
                            for op in CONVOLUTIONS
                        ),
                        OUTPUT,
                    ),
                    load=Load(period_ns=9 * MS),
                ),
            ),
            duration_ns=400 * MS,
        ),
        "kernel-time-unstable",
    ),
)
