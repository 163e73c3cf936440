"""How fast diag decodes and analyses a big trace, and in how much memory, next to xprof.

All measurements are of one run on one file, each in a fresh process.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.big_space import big_space
from benchmarks.docs_table import replace_table

OUR_RUNS = 5
XPROF_RUNS = 3
TIMEOUT_SECONDS = 180
COLUMNS = (
    "best, s",
    "median, s",
    "CPU, s (best)",
    "runs",
    "events/s (best)",
    "peak memory, MB",
    "memory / file",
)


@dataclass(frozen=True)
class Measurement:
    """All runs of one piece of work."""

    label: str
    seconds: tuple[float, ...]
    cpu_seconds: float
    peak_bytes: int

    @property
    def best(self) -> float:
        """Seconds of the fastest run."""
        return min(self.seconds)


def run() -> None:
    """Measure, print the table and write it into docs/speed.md."""
    with tempfile.TemporaryDirectory() as folder:
        data, events = big_space()
        trace = Path(folder) / "big.xplane.pb"
        trace.write_bytes(data)
        ours = [
            measure("diag: decode", "decode", trace, OUR_RUNS, events),
            measure("diag: whole analysis with verdict", "analysis", trace, OUR_RUNS, events),
        ]
        copy = Path(folder) / "copy" / trace.name
        copy.parent.mkdir()
        shutil.copy(trace, copy)
        theirs = measure("xprof: `inference_profile`", "xprof", copy, XPROF_RUNS, None)
    text = table(ours, theirs, len(data), events)
    print(text)
    print(f"written into {replace_table('speed.md', 'speed', text)}")


def measure(label: str, what: str, trace: Path, runs: int, events: int | None) -> Measurement:
    """Run the work so many times; ours on one core, as promised, xprof on all there are."""
    results = [once(what, trace, pinned=events is not None) for _ in range(runs)]
    if events is not None and {result["events"] for result in results} != {events}:
        raise RuntimeError(f"{label} saw {results[0]['events']} of {events} events")
    return Measurement(
        label,
        tuple(result["seconds"] for result in results),
        min(result["cpu_seconds"] for result in results),
        max(int(result["peak_bytes"]) for result in results),
    )


def once(what: str, trace: Path, *, pinned: bool) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.measured", what, str(trace)]
    if pinned:
        command = ["taskset", "-c", str(max(os.sched_getaffinity(0))), *command]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{what} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def table(ours: list[Measurement], theirs: Measurement | None, size: int, events: int) -> str:
    """The table of one file: the last of ours next to that of xprof, if there is one."""
    whole = ours[-1]
    other = f"; xprof {version('xprof')}" if theirs else ""
    lines = [
        f"{events:,} events in {size / 1e6:.1f} MB; {machine()}{other}.",
        "",
        "| work | " + " | ".join(COLUMNS) + " |",
        "|---" + "|---:" * len(COLUMNS) + "|",
    ]
    lines += [
        f"| {one.label} | {one.best:.2f} | {statistics.median(one.seconds):.2f} |"
        f" {one.cpu_seconds:.2f} | {len(one.seconds)} | {events / one.best / 1e6:.2f} M |"
        f" {one.peak_bytes / 1e6:.0f} | {one.peak_bytes / size:.1f} |"
        for one in (*ours, *([theirs] if theirs else []))
    ]
    if theirs is None:
        return "\n".join(lines)
    faster = theirs.best / whole.best
    smaller = theirs.peak_bytes / whole.peak_bytes
    cheaper = theirs.cpu_seconds / whole.cpu_seconds
    summary = f"The whole analysis is {faster:.1f} times as fast as xprof's (best runs)"
    lines += [
        "",
        f"{summary}, at 1/{cheaper:.1f} of its CPU time and 1/{smaller:.1f} of its memory.",
    ]
    return "\n".join(lines)


def machine() -> str:
    """What the numbers were measured on."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
