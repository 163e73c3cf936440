"""Servers whose requests take given times, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.analysis.traces import analyzed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis import Analysis


def served(times_us: Sequence[int], *, period_us: int = 1000) -> Analysis:
    """Unbatched requests that take these times; one begins every period.

    Half of the time of each lies before its executor's burst, where it waits for a thread.
    """
    requests, steps = "line grpc\n", "line tf_Compute/1\n"
    for i, time in enumerate(times_us):
        at = i * period_us
        requests += f"  SessionRun {at}..{at + time}us id={i} _p={1000 + i}\n"
        burst = f"{at + time // 2}..{at + time - 1}us id={i} _c={1000 + i}"
        steps += f"  ExecutorState::Process {burst}\n"
    end = f"\nline end\n  Something 0..{len(times_us) * period_us}us\n"
    return analyzed(requests + steps + end)
