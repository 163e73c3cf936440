"""What the stack sampler of ``diag run`` costs four kinds of loops: paired blocks, on and off.

``python -m benchmarks.stack_sampler`` prints the rows of the table in docs/run.md.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING

from diag.inside.sampler import StackSampler

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = 9
BLOCK_S = 0.35
_NUMBERS = [random.random() for _ in range(40_000)]


def _waits() -> None:
    time.sleep(0.02)


def _computes() -> None:
    total = 0
    for number in range(200_000):
        total += number


def _next(number: int) -> int:
    return number + 1


def _calls() -> None:
    for number in range(100_000):
        _next(number)


def _holds_the_lock_in_c() -> None:
    sorted(_NUMBERS)


def _iteration_s(loop: Callable[[], None]) -> float:
    begun_s, count = time.perf_counter(), 0
    while time.perf_counter() - begun_s < BLOCK_S:
        loop()
        count += 1
    return (time.perf_counter() - begun_s) / count


def main() -> None:
    """Print one row a loop: median, least and largest ratio of iteration times."""
    for loop in (_waits, _computes, _calls, _holds_the_lock_in_c):
        ratios = []
        for _ in range(PAIRS):
            off_s = _iteration_s(loop)
            sampler = StackSampler(set())
            sampler.start()
            on_s = _iteration_s(loop)
            sampler.stop()
            ratios.append(on_s / off_s)
        median, least, most = statistics.median(ratios), min(ratios), max(ratios)
        print(f"| {loop.__name__} | {median:.3f} | {least:.3f} to {most:.3f} |")


if __name__ == "__main__":
    main()
