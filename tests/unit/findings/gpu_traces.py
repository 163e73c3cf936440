"""Traces of a server whose runs launch work on a GPU, written as text."""

from __future__ import annotations

import re

PERIOD_US = 1000
KERNEL = 'kernel_details="regs:32 grid:1,1,1 block:64,1,1"'
COPY_IN = 'memcpy_details="kind_src:pageable kind_dst:device size:4000 dest:0 async:0"'
COPY_OUT = 'memcpy_details="kind_src:device kind_dst:pageable size:4000 dest:0 async:0"'

Launch = tuple[int, int, str, str]


def gpu_runs(
    launches: list[Launch] | list[list[Launch]],
    *,
    count: int = 40,
    end: int = 990,
    ops: str = "",
    clock_khz: int = 0,
    tail: str = "",
) -> str:
    """``count`` unbatched runs of 1 ms, one after the other.

    Args:
        launches: Device work of each run: begin and end in µs, name, details. Several lists take
            turns.
        count: Number of runs.
        end: Of each run, µs.
        ops: Op events of each run, with ``+N`` for its begin plus N µs.
        clock_khz: Highest clock of the GPU; 0: not told.
        tail: Further lines of the host.
    """
    kinds = launches if launches and isinstance(launches[0], list) else [launches]
    runs, host, device = "", "", ""
    for i in range(count):
        at, link = i * PERIOD_US, 1000 * (i + 1)
        runs += f"  SessionRun {at}..{at + end}us id={i + 1} _p={i + 1}\n"
        host += f"  ExecutorState::Process {at}..{at + end}us id={i + 1} _c={i + 1}\n"
        host += re.sub(r"\+(\d+)", lambda found: str(at + int(found[1])), ops)  # noqa: B023
        for j, (begin, stop, name, details) in enumerate(kinds[i % len(kinds)]):
            host += f"    {name} {at + begin - 2}..{at + begin - 1}us correlation_id={link + j}\n"
            device += f"  {name} {at + begin}..{at + stop}us correlation_id={link + j} {details}\n"
    told = f"stat clock_rate={clock_khz}" if clock_khz else ""
    return f"""
    plane /host:CPU
    line grpc
    {runs}
    line tf_Compute/1
    {host}
    {tail}
    plane /device:GPU:0
    {told}
    line Stream #1(Compute)
    {device}
    """
