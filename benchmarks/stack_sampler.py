"""How far shares of the stack sampler of ``diag run`` are from the truth: into docs/overhead.md.

Each loop calls two functions and adds up the time of each by its own clock. The sampler says which
part of the time the first one takes.
"""

from __future__ import annotations

import threading
import time
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.docs_table import replace_table
from benchmarks.loops.work import WORK, writes_an_answer
from diag.inside.sampler import StackSampler

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 7
RUN_S = 2.0
HEADS = ("first function", "threads", "true share", "sampled", "error, points", "range", "CPU")


def run() -> None:
    """Measure every kind of work, and plain Python on two threads."""
    rows = [_row(title, work, 1) for title, work in WORK.items()]
    rows += [_row(title, WORK[title], 2) for title in ("plain Python arithmetic", "NumPy")]
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    table = "\n".join(f"| {' | '.join(row)} |" for row in lines)
    print(replace_table("overhead.md", "sampler-bias", table))


def _row(title: str, work: Callable[[], None], threads: int) -> tuple[str, ...]:
    runs = [_measure(work, threads) for _ in range(RUNS)]
    errors = sorted(100 * (sampled - true) for true, sampled, _ in runs)
    row = (
        title,
        str(threads),
        f"{median(true for true, _, _ in runs):.1%}",
        f"{median(sampled for _, sampled, _ in runs):.1%}",
        f"{median(errors):+.1f}",
        f"{errors[0]:+.1f} to {errors[-1]:+.1f}",
        f"{median(cpu for _, _, cpu in runs):.1%}",
    )
    print(" | ".join(row), flush=True)
    return row


def _measure(work: Callable[[], None], threads: int) -> tuple[float, float, float]:
    """The true and the sampled share of the work, and the sampler's CPU time over time."""
    spent = [[0, 0] for _ in range(threads)]
    loops = [threading.Thread(target=_loop, args=(work, each)) for each in spent]
    sampler = StackSampler({threading.get_ident()})
    for each in loops:
        each.start()
    sampler.start()
    for each in loops:
        each.join()
    sampler.stop()
    first, rest = (sum(column) for column in zip(*spent, strict=True))
    return first / (first + rest), _sampled(sampler, work), sampler.cpu_ns / sampler.elapsed_ns


def _loop(work: Callable[[], None], spent: list[int]) -> None:
    end_ns = time.perf_counter_ns() + int(RUN_S * 1e9)
    while (begin := time.perf_counter_ns()) < end_ns:
        work()
        between = time.perf_counter_ns()
        writes_an_answer()
        spent[0] += between - begin
        spent[1] += time.perf_counter_ns() - between


def _sampled(sampler: StackSampler, work: Callable[[], None]) -> float:
    """The weight of stacks in the work over that of stacks in either function."""
    names = [each["function"] for each in sampler.functions.described()]
    weight = {work.__name__: 0, writes_an_answer.__name__: 0}
    for stack_id, ticks in zip(sampler.rows["stack_id"], sampler.rows["weight"], strict=True):
        for name in {names[code] for code in sampler.stacks[stack_id]} & weight.keys():
            weight[name] += ticks
    return weight[work.__name__] / max(1, sum(weight.values()))
