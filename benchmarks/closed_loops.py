"""The demo's closed loop, three runs a scenario: into docs/demo.md and README.md."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.docs_table import replace_table
from diag.capture.progress import NoProgress
from diag.comparison.result import Outcome
from diag.demo.loop import ClosedLoop, close_loop
from diag.demo.recording import RecordingOptions
from diag.demo.scenarios import SCENARIOS
from diag.model.availability import Unavailable
from diag.model.quantity import duration
from diag.report.wording.metrics import describe_gain

NAMES = (
    "batch-timeout",
    "one-batch-thread",
    "padding",
    "slow-preprocess",
    "unbatched-overload",
    "burst",
)
RUNS = 3
CAPTURE_NS = 6_000_000_000
RESULTS = Path(__file__).parent.parent / "build" / "demo-loops"
HEADS = (
    "scenario",
    "change",
    "mean latency before → after",
    "better",
    "promised, first run",
    "kept",
)
SHORT = ("scenario", "what `diag` changed", "mean latency before → after", "better")


@dataclass(frozen=True, slots=True)
class Result:
    """One run of the loop.

    Attributes:
        change: What was changed, or ``nothing``.
        before_ns: Mean latency before; None where nothing was changed.
        after_ns: Mean latency after.
        outcome: Of the comparison.
        promised: The gain in words; "" where the finding promises none.
        failure: Why the loop did not close; "" if it did.
    """

    change: str
    before_ns: float | None = None
    after_ns: float | None = None
    outcome: str = ""
    promised: str = ""
    failure: str = ""


def run() -> None:
    """Measure every scenario and write the tables."""
    found = {name: [_result(name, number) for number in range(RUNS)] for name in NAMES}
    full = [row(name, results) for name, results in found.items()]
    missed = [line for name, results in found.items() for line in misses(name, results)]
    note = "\n\nDid not close: " + "; ".join(missed) + "." if missed else ""
    short = [cells[: len(SHORT)] for cells in full]
    for page, heads, rows in (("demo.md", HEADS, full), ("../README.md", SHORT, short)):
        lines = [heads, ("---",) * len(heads), *rows]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        replace_table(page, "loops", table + note)


def _result(name: str, number: int) -> Result:
    """Of a run now, or of an earlier one whose result is in build/demo-loops."""
    path = RESULTS / f"{name}-{number}.json"
    if not path.exists():
        RESULTS.mkdir(parents=True, exist_ok=True)
        options = RecordingOptions(duration_ns=CAPTURE_NS, before_s=0.5, after_s=0.5)
        with tempfile.TemporaryDirectory(prefix="diag-loop-") as folder:
            loop = close_loop(SCENARIOS[name], Path(folder), options, NoProgress())
        path.write_text(json.dumps(asdict(_of(loop))) + "\n", encoding="utf-8")
    result = Result(**json.loads(path.read_text(encoding="utf-8")))
    print(name, number, result, flush=True)
    return result


def _of(loop: ClosedLoop) -> Result:
    if isinstance(loop.applied, Unavailable):
        return Result("nothing", failure=loop.applied.reason.rstrip("."))
    assert loop.comparison is not None
    assert loop.finding is not None
    change = loop.comparison.change("latency.mean")
    if (
        isinstance(change, Unavailable)
        or isinstance(change.before, Unavailable)
        or isinstance(change.after, Unavailable)
    ):
        return Result(loop.applied, failure=loop.failure or "no requests to compare")
    gain = loop.finding.gain
    return Result(
        loop.applied,
        change.before,
        change.after,
        loop.comparison.outcome.value,
        "" if isinstance(gain, Unavailable) else describe_gain(gain),
        loop.failure,
    )


def row(name: str, results: list[Result]) -> tuple[str, ...]:
    """One line of the table, under ``HEADS``."""
    measured = [(r.before_ns, r.after_ns) for r in results if r.before_ns and r.after_ns]
    latency = "-"
    if measured:
        before, after = (median(values) for values in zip(*measured, strict=True))
        changes = sorted(then / now - 1 for now, then in measured)
        span = dict.fromkeys(f"{change:+.0%}" for change in (changes[0], changes[-1]))
        latency = f"{duration(before)} → {duration(after)} ({' to '.join(span)})"
    better = sum(each.outcome == Outcome.BETTER.value for each in results)
    promising = [each for each in results if each.promised]
    kept = sum(not each.failure for each in promising)
    return (
        f"`{name}`",
        Counter(each.change for each in results).most_common(1)[0][0],
        latency,
        f"{better} of {len(results)}",
        promising[0].promised if promising else "nothing",
        f"{kept} of {len(promising)}" if promising else "-",
    )


def misses(name: str, results: list[Result]) -> list[str]:
    """Which runs did not close, and why."""
    return [
        f"`{name}`, run {number}: {each.failure}"
        for number, each in enumerate(results, start=1)
        if each.failure
    ]
