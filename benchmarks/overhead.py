"""What a capture costs the server's clients, by tracer level: into docs/overhead.md."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.docs_table import replace_table
from diag.capture.progress import NoProgress
from diag.demo.observer import Phase
from diag.demo.recording import RecordingOptions, record_scenario
from diag.demo.scenarios import SCENARIOS
from diag.formats.source import open_bundle

# One caller at a time; a server with more to do than one batch thread can; one with more than its
# cores can. The last does not batch, and level 1 does not record such requests.
LEVELS = {"slow-preprocess": (1, 2, 3), "one-batch-thread": (1, 2, 3), "two-models": (2, 3)}
RUNS = 3
HEADS = (
    "scenario",
    "level",
    "requests/s",
    "events/s",
    "MB/s",
    "p50 ms before / during / after",
    "p90 ms before / during / after",
    "mean, during over the rest",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: the clients' phases, and the trace's bytes and events a second."""

    phases: tuple[Phase, ...]
    bytes_per_second: float
    events_per_second: float

    @property
    def slowdown(self) -> float:
        """Mean latency during the capture over that before and after it."""
        before, during, after = (phase.mean_ms or 0.0 for phase in self.phases)
        return during / ((before + after) / 2)


def run() -> None:
    """Measures every scenario and level and writes the table."""
    rows = [_row(name, level, _measure(name, level)) for name in LEVELS for level in LEVELS[name]]
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    replace_table("overhead.md", "overhead", "\n".join(f"| {' | '.join(row)} |" for row in lines))


def _measure(name: str, level: int) -> list[Cost]:
    costs = []
    for number in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="diag-overhead-") as folder:
            options = RecordingOptions(tracer_level=level)
            recording = record_scenario(SCENARIOS[name], Path(folder), options, NoProgress())
            capture = open_bundle(recording.bundle)
            (trace,) = recording.bundle.glob("plugins/profile/*/*.xplane.pb")
            seconds = capture.window.duration_ns / 1e9
            events = sum(len(plane.events) for plane in capture.planes)
            size = trace.stat().st_size
            costs.append(Cost(recording.phases, size / seconds, events / seconds))
        print(f"{name} level {level} {number + 1}/{RUNS}: {costs[-1].slowdown:.2f}", flush=True)
    return costs


def _row(name: str, level: int, costs: list[Cost]) -> tuple[str, ...]:
    during = [cost.phases[1] for cost in costs]
    slowdowns = sorted(cost.slowdown for cost in costs)
    return (
        name,
        str(level),
        f"{median(phase.calls / phase.seconds for phase in during):.0f}",
        f"{median(cost.events_per_second for cost in costs):,.0f}",
        f"{median(cost.bytes_per_second for cost in costs) / 1e6:.2f}",
        _phases(costs, 50),
        _phases(costs, 90),
        f"{median(slowdowns):.2f} ({slowdowns[0]:.2f} to {slowdowns[-1]:.2f})",
    )


def _phases(costs: list[Cost], percent: int) -> str:
    cells = []
    for index in range(3):
        values = [cost.phases[index].percentiles_ms[percent] for cost in costs]
        known = [value for value in values if value is not None]
        cells.append(f"{median(known):.1f}" if known else "-")
    return " / ".join(cells)
