"""Servers written as traces, and a check that every number in a sentence has evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.model.capture import BatchingParameters
from diag.model.quantity import byte_size, duration
from tests.unit.analysis.traces import QUEUE_A, QUEUE_B

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from diag.model.finding import Evidence

TOLD = BatchingParameters(max_batch_size=8, batch_timeout_micros=2000, num_batch_threads=1)
AT_ONCE = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=1)


def sessions(
    count: int = 1,
    *,
    enqueue: int = 10,
    taken: int = 20,
    run: tuple[int, int] = (30, 900),
    end: int = 960,
    period: int = 1000,
    padded: int = 1,
    burst: tuple[int, int] | None = None,
    ops: str = "",
) -> str:
    """``count`` requests one after the other, each in a batch of its own on one thread."""
    one_row = "batch_size_before_padding=1"
    requests, batches, steps = "line grpc\n", "line b/1\n", "line tf_Compute/1\n"
    for i in range(count):
        at = i * period
        requests += f"""
          BatchingSessionRun {at}..{at + end}us
            ScheduleOutputTask {at + enqueue}..{at + enqueue + 2}us size=1 _p={QUEUE_A + 1 + i}
        """
        batches += f"""
          ProcessBatch {at + taken}..{at + end - 5}us _c={QUEUE_A + 1 + i} {one_row}
            MergeInputTensors {at + taken}..{at + taken + 2}us batch_size_after_padding={padded}
            SessionRun {at + run[0]}..{at + run[1]}us id={i} _p={1000 + i}
        """
        first, last = burst or run
        steps += f"\n  ExecutorState::Process {at + first}..{at + last}us id={i} _c={1000 + i}\n"
        steps += ops.format(*(at + t for t in range(0, 1000, 100)))
    return requests + batches + steps


def one_thread(batches: Sequence[tuple[int, int]], wait: int = 0) -> str:
    """One batch thread that takes batches back to back.

    Args:
        batches: Rows of each, and how long it takes in µs (at least 20).
        wait: How long each batch's one request waits before it, at most, µs.
    """
    requests, taken, steps, at = "", "line b/1\n", "line tf_Compute/1\n", 1000
    for i, (rows, time) in enumerate(batches):
        begin = max(0, at - wait)
        size = f"batch_size_before_padding={rows}"
        requests += f"""
        line grpc-{i}
          BatchingSessionRun {begin}..{at + time + 5}us
            ScheduleOutputTask {begin + 1}..{begin + 2}us size={rows} _p={QUEUE_A + 1 + i}
        """
        taken += f"""
          ProcessBatch {at}..{at + time}us _c={QUEUE_A + 1 + i} {size}
            SessionRun {at + 5}..{at + time - 5}us id={i} _p={1000 + i}
        """
        steps += f"\n  ExecutorState::Process {at + 6}..{at + time - 6}us id={i} _c={1000 + i}\n"
        at += time
    return requests + taken + steps


def unbatched(lanes: int, count: int, *, run: int = 1000, burst: int = 100) -> str:
    """``lanes`` callers without batching, each with ``count`` runs of ``run`` µs back to back.

    One thread of the inter-op pool serves them in turn, ``burst`` µs each.
    """
    requests, steps, number = "", "line tf_Compute/1\n", 0
    for lane in range(lanes):
        requests += f"line grpc-{lane}\n"
        for i in range(count):
            number += 1
            at = i * run
            first = at + lane * burst
            requests += f"  SessionRun {at}..{at + run - 1}us id={number} _p={number}\n"
            steps += (
                f"  ExecutorState::Process {first + 1}..{first + burst - 1}us "
                f"id={number} _c={number}\n"
            )
    return requests + steps


def second_model(text: str) -> str:
    """The same requests, of another queue."""

    def renamed(found: re.Match[str]) -> str:
        key, number = found[1], int(found[2])
        other = number - QUEUE_A + QUEUE_B if number >= QUEUE_A else number + 2000
        return f"{key}={other}"

    return re.sub(r"\b(_[pc])=(\d+)", renamed, text)


IDLE_END = "\nline end\n  Something 0..{}us\n"


def unfounded_numbers(text: str, evidence: Iterable[Evidence]) -> list[str]:
    """Numbers of the text that no evidence holds, at the precision they are written in."""
    written = set()
    for item in evidence:
        value = item.value
        if isinstance(value, str):
            continue
        if item.unit == "ratio":
            written.add(f"{value:.0%}")
        elif item.unit == "ns":
            written |= {duration(value), f"{value / 1e9:.2f} s"}
        elif item.unit == "bytes":
            written.add(byte_size(value))
        else:
            written |= {f"{value:.0f}", f"{value:.1f}", f"{value:.2f}"}
    plain = re.sub(r"level [12]|/device:GPU:\d|\bp(50|99)\b|uint8|queue \w{8}|MIG", "", text)
    numbers = re.findall(r"\b\d+(?:\.\d+)?(?:%| (?:µs|ms|s|KiB|MiB|B)\b|)", plain)
    return [number for number in numbers if number not in written]
