"""The gain that diag predicts for a naive loop, and what its pipeline then takes: docs/accuracy.md.

Each loop is recorded with ``diag run``. Its finding names how many inputs to prepare at a time; the
pipeline that does so, and one that leaves the number to tf.data, are then run without diag.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import diag
from benchmarks.docs_table import replace_table
from benchmarks.loops.record import plain, recorded
from benchmarks.loops.truth import read_truth
from diag.findings.loop_gain import parallel_calls
from diag.model.finding import Gain
from diag.model.loops import LoopStage

RULE = "synchronous-preprocessing"
SECONDS, WINDOW_NS = 7.0, 4_000_000_000
HEADS = (
    "preparation",
    "at a time",
    "naive: ms",
    "predicted: ms",
    "pipeline: ms",
    "throughput, measured over predicted",
    "tf.data's own number: ms",
)
# Kind of computation, ms of waiting, ms of computation.
VARIANTS = {
    "sleeps 20 ms": ("python", 20, 0),
    "sleeps 50 ms": ("python", 50, 0),
    "sleeps 100 ms": ("python", 100, 0),
    "sleeps 50 ms, Python 5 ms": ("python", 50, 5),
    "sleeps 20 ms, NumPy 20 ms": ("numpy", 20, 20),
    "Python 20 ms": ("python", 0, 20),
    "Python 50 ms": ("python", 0, 50),
    "NumPy 20 ms": ("numpy", 0, 20),
    "NumPy 50 ms": ("numpy", 0, 50),
}


def run() -> None:
    """Measure all variants."""
    rows = [_row(title, tuple(map(str, words))) for title, words in VARIANTS.items()]
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    table = "\n".join(f"| {' | '.join(row)} |" for row in lines)
    print(replace_table("accuracy.md", "loop-gain", table))


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the recording of the naive loop says."""

    naive_ns: float
    calls: int
    gain: Gain | diag.Unavailable


def _row(title: str, words: tuple[str, ...]) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        bundle, log = Path(folder) / "naive.zip", Path(folder) / "steps.json"
        recorded("one_by_one", bundle, log, *words)
        predicted = _predicted(bundle)
        ahead_ns = _interval_ns(log, *words, str(predicted.calls))
        tuned_ns = _interval_ns(log, *words, "0")
    gain = predicted.gain
    known = not isinstance(gain, diag.Unavailable)
    row = (
        title,
        str(predicted.calls),
        f"{predicted.naive_ns / 1e6:.1f}",
        f"{gain.low / 1e6:.1f}" if known else "no gain promised",
        f"{ahead_ns / 1e6:.1f}",
        f"{gain.low / ahead_ns:.2f}"
        if known
        else f"({predicted.naive_ns / ahead_ns:.2f} of naive)",
        f"{tuned_ns / 1e6:.1f}",
    )
    print(" | ".join(row), flush=True)
    return row


def _predicted(bundle: Path) -> Predicted:
    analysis = diag.analyze(diag.open_bundle(bundle))
    loops = analysis.loops
    finding = next(each for each in diag.find(analysis) if each.id == RULE)
    prepare = loops.mean_ns(LoopStage.PREPROCESS)
    calls = parallel_calls(prepare, loops.mean_ns() - prepare)
    return Predicted(loops.mean_ns(), calls, finding.gain)


def _interval_ns(log: Path, *words: str) -> float:
    """Mean iteration of the pipeline once it is filled."""
    plain("prepared_ahead", log, SECONDS, *words)
    end = 1 << 62
    last = int(read_truth(log, (0, end)).end_ns.max())
    return read_truth(log, (last - WINDOW_NS, end)).mean_ns
