"""How close diag tune comes to reruns of demo servers, and how fast it simulates.

Every setting of ``tuning_loads`` is recorded three times under the same load. The first recording
of each is asked for every other setting of its load; the median of the three recordings with that
setting tells what came of it. The recordings are kept under ``build/tune-recordings``: a benchmark
that was ended goes on.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import diag
from benchmarks.docs_table import replace_table
from benchmarks.recordings import SAMPLES
from benchmarks.speed import machine
from benchmarks.tuning_loads import LOADS
from benchmarks.tuning_pairs import METRICS, WANTED, Outcome, predict_pairs, spread_of
from diag.capture.progress import NoProgress
from diag.demo.recording import RecordingOptions, record_scenario
from diag.model.availability import Unavailable
from diag.prediction.recorded import read_recorded
from diag.prediction.replicates import value_of
from diag.tuning import tune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.tuning_loads import Parameters, TunedLoad
    from diag.analysis import Analysis

RECORDED_NS = 6_000_000_000
RERUNS = 3
FOLDER = Path(__file__).parent.parent / "build" / "tune-recordings"
SPEED_RUNS = 5
HEADS = ("load", "recorded with", "predicted for", "mean, ms", "p99, ms", "requests/s", "rows")


def run() -> None:
    """Record all settings, predict all pairs, and write the tables."""
    outcomes = []
    spread: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for load in LOADS:
        recorded = [
            [_recorded(load, setting, number) for number in range(RERUNS)]
            for setting in load.settings
        ]
        outcomes += predict_pairs(load, recorded)
        for reruns in recorded:
            for metric, ratio in spread_of(reruns).items():
                spread[metric].append(ratio)
        print(f"{load.name}: {len(recorded)} settings", flush=True)
    pairs = pairs_table(outcomes, spread)
    print(f"{pairs}\nwritten into {replace_table('accuracy.md', 'tune', pairs)}")
    speed = speed_table()
    print(f"{speed}\nwritten into {replace_table('speed.md', 'tune', speed)}")


def _recorded(load: TunedLoad, setting: Parameters, number: int) -> Analysis:
    folder = FOLDER / f"{load.name} {setting.words} {number}".replace(" ", "-").replace("/", "+")
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, ignore_cleanup_errors=True) as temporary:
            unfinished = Path(temporary) / "run"
            unfinished.mkdir()
            file = unfinished / "batching_parameters.txt"
            file.write_text(setting.text)
            options = RecordingOptions(
                duration_ns=RECORDED_NS, server_options=("--batching-parameters-file", str(file))
            )
            record_scenario(load.planned(), unfinished, options, NoProgress())
            unfinished.rename(folder)
    return diag.analyze(diag.open_bundle(folder / "bundle"))


def pairs_table(outcomes: list[Outcome], spread: dict[str, list[float]]) -> str:
    """All pairs, and how many were near enough.

    Args:
        outcomes: Of every ordered pair.
        spread: By metric, of each setting: largest less smallest of its recordings, as a ratio of
            their median.
    """
    lines = [f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|"]
    for each in outcomes:
        cells = [each.load.name, each.now.words, each.to.words]
        if each.made is None:
            missed = ", ".join(f"{name} {error:+.0%}" for name, error in each.misses.items())
            cells += [f"none: today's {missed}", "-", "-", "-"]
        else:
            cells += [_cell(each, metric) for metric in METRICS]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join((*_summary(outcomes, spread), "", *lines))


def _cell(outcome: Outcome, metric: str) -> str:
    assert outcome.made is not None
    made, digits = outcome.made[metric], 0 if metric == "throughput_per_s" else 1
    low, value, high = (f"{x:.{digits}f}" for x in (made.low, made.value, made.high))
    outside = "" if outcome.is_in_range(metric) else " !"
    error, rerun = outcome.error(metric), outcome.rerun[metric]
    return f"{value} ({low} to {high}) / {rerun:.{digits}f}, {error:+.0%}{outside}"


def _summary(outcomes: list[Outcome], spread: dict[str, list[float]]) -> Iterable[str]:
    made = [each for each in outcomes if each.made is not None]
    yield (
        f"{len(outcomes)} pairs; in {len(outcomes) - len(made)} of them today's settings were not "
        "reproduced within 10%, so that there is no prediction."
    )
    yield ""
    yield (
        "| of the others | within 15% of the rerun | median error | rerun in the range "
        "| three reruns differ by |"
    )
    yield "|---|---:|---:|---:|---:|"
    for metric in METRICS:
        errors = [abs(each.error(metric)) for each in made]
        near = sum(error <= WANTED for error in errors)
        inside = sum(each.is_in_range(metric) for each in made)
        name = HEADS[3 + METRICS.index(metric)].split(",")[0]
        yield (
            f"| {name} | {near} of {len(made)} | {median(errors):.0%} | {inside} of {len(made)} "
            f"| {median(spread[metric]):.0%} |"
        )


def speed_table() -> str:
    """Requests simulated a second, and the CPU time of whole answers, on a recording of 3 s."""
    analysis = diag.analyze(diag.open_bundle(SAMPLES / "padding"))
    server = read_recorded(analysis)
    if isinstance(server, Unavailable):
        raise RuntimeError(f"the sample cannot be simulated: {server.reason}")
    workload, times = server.workload, server.service.best
    requests = len(workload.arrivals)
    once = _fastest(lambda: value_of(workload, times, workload.settings))
    proposal = _fastest(lambda: tune(analysis, {"batch_timeout_micros": 1000}))
    search = _fastest(lambda: tune(analysis, {}, objective="p99"), runs=1)
    return "\n".join(
        (
            f"`sample_traces/padding`, {requests:,} requests in 3 s; {machine()}.",
            "",
            "| what | CPU time of one core |",
            "|---|---:|",
            f"| simulated requests | {requests / once:,.0f}/s |",
            f"| `diag tune --set`, after the analysis | {proposal:.1f} s |",
            f"| `diag tune --objective p99`, after the analysis | {search:.1f} s |",
        )
    )


def _fastest(work: Callable[[], object], runs: int = SPEED_RUNS) -> float:
    seconds = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return min(seconds)
