"""The demo scenarios against their truth: three runs each, into docs/accuracy.md."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.demo_recordings import recorded
from benchmarks.docs_table import replace_table
from benchmarks.first_findings import first_findings
from diag.demo.comparison import Comparison
from diag.demo.diagnosis import diagnose
from diag.demo.scenario import Scenario
from diag.demo.scenarios import SCENARIOS
from diag.demo.tolerance import tolerance_ns

if TYPE_CHECKING:
    from collections.abc import Iterable

RUNS = 3
GROUPS = ("start", "preprocess", "queue", "compute")
WAITS = ("queue: fill", "queue: thread", "queue: dispatch")
TIMES = (
    "scenario",
    "requests",
    "request ms",
    "tolerance",
    *GROUPS,
    "fill",
    "thread",
    "dispatch",
    "beyond the tolerance",
)
NOTE = """
Each time is diag / truth, mean milliseconds a request; `requests` is matched / expected, run by
run. The groups' edges are drawn in `diag/demo/groups.py`. What follows the model's last op is
not judged: the truth's last clock is Python's, which a busy interpreter reads late. The truth
cannot see a batch being split, formed and handed over by its thread, so where a batch had to
wait for a thread, the replay counts that as waiting for it: 0.3 to 0.5 ms of `dispatch` that
diag shows and the replay does not.
"""


@dataclass(frozen=True, slots=True)
class Medians:
    """Medians of a scenario's runs, in ns, by line of the comparison."""

    scenario: Scenario
    runs: tuple[Comparison, ...]

    @property
    def request_ns(self) -> float:
        """Mean duration of a request."""
        return median(run.request_ns for run in self.runs)

    def pair(self, name: str) -> tuple[float, float] | None:
        """The line's diag and truth; None if the scenario has no such line."""
        lines = [line for run in self.runs for line in run.lines if line.name == name]
        if not lines:
            return None
        return median(line.diag_ns for line in lines), median(line.truth_ns for line in lines)

    def error_ns(self, name: str) -> float:
        """Median of diag minus truth, 0 where there is no such line."""
        lines = [line for run in self.runs for line in run.lines if line.name == name]
        return median(line.difference_ns for line in lines) if lines else 0.0

    @property
    def misses(self) -> tuple[str, ...]:
        """Lines whose error is beyond the tolerance."""
        allowed = tolerance_ns(self.request_ns)
        return tuple(name for name in (*GROUPS, *WAITS) if abs(self.error_ns(name)) > allowed)


def run() -> None:
    """Measures every scenario and writes the tables."""
    found = [_measure(scenario) for scenario in SCENARIOS.values()]
    replace_table("accuracy.md", "demo", f"{_times(found)}\n{NOTE}")
    replace_table(
        "accuracy.md", "first", first_findings({each.scenario: each.runs for each in found})
    )


def _measure(scenario: Scenario) -> Medians:
    runs = []
    for number in range(RUNS):
        _, found = diagnose(recorded(scenario, number))
        errors = ", ".join(f"{line.name} {line.difference_ns / 1e6:+.2f}" for line in found.lines)
        print(
            f"{scenario.name} {number + 1}/{RUNS}: {found.matched} of {found.expected} requests, "
            f"{found.request_ns / 1e6:.1f} ms; {errors}; {found.largest_stage} / "
            f"{found.largest_gap}; first {found.first}"
            f"{'' if found.is_verdict_right else f' instead of {scenario.planted}'}",
            flush=True,
        )
        runs.append(found)
    return Medians(scenario, tuple(runs))


def _times_row(found: Medians) -> list[str]:
    """Each cell of a group is diag / truth in ms."""
    return [
        found.scenario.name,
        " ".join(f"{run.matched}/{run.expected}" for run in found.runs),
        f"{found.request_ns / 1e6:.1f}",
        f"{tolerance_ns(found.request_ns) / 1e6:.2f}",
        *(_cell(found.pair(name)) for name in (*GROUPS, *WAITS)),
        ", ".join(found.misses) or "-",
    ]


def _times(found: Iterable[Medians]) -> str:
    lines = [list(TIMES), ["---"] * len(TIMES), *(_times_row(each) for each in found)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(pair: tuple[float, float] | None) -> str:
    return "-" if pair is None else f"{pair[0] / 1e6:.2f} / {pair[1] / 1e6:.2f}"
