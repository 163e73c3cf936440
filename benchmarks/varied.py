"""The demo's scenarios with other loads and timeouts than the rules were made on.

A scenario's load and timeout change at once. The planted cause need not survive that: two callers
in place of three can be no reason to batch. Every first finding that differs is listed.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.docs_table import replace_table
from diag.capture.progress import NoProgress
from diag.demo.client_log import FILE_NAME
from diag.demo.diagnosis import diagnose
from diag.demo.recording import RecordedScenario, RecordingOptions, record_scenario
from diag.demo.scenarios import SCENARIOS
from diag.demo.truth import read_truth

if TYPE_CHECKING:
    from diag.demo.arrivals import Arrivals
    from diag.demo.comparison import Comparison
    from diag.demo.scenario import Scenario

FOLDER = Path(__file__).parent.parent / "build" / "varied-recordings"
_TIMEOUT = re.compile(r"(batch_timeout_micros \{ value: )(\d+)")


class Variation(NamedTuple):
    """Factors on rates, bursts and callers, and on the timeout of batches."""

    load: float
    timeout: float


VARIATIONS = (Variation(0.7, 0.6), Variation(1.4, 1.5))


def run() -> None:
    """Record every scenario with every variation, and write what came first."""
    lines, right, total = [], 0, 0
    for variation in VARIATIONS:
        for scenario in SCENARIOS.values():
            found = _measure(scenario, variation)
            right, total = right + found.is_verdict_right, total + 1
            if not found.is_verdict_right:
                lines.append(
                    f"| {scenario.name} | {variation.load:g} | {variation.timeout:g} "
                    f"| `{scenario.planted}` | `{found.first}` |"
                )
            print(f"{scenario.name} x{variation.load:g}: {found.first}", flush=True)
    head = "| scenario | load | timeout | planted | came first |\n|---|---:|---:|---|---|"
    table = "\n".join((f"As planted: {right} of {total}. The others:\n", head, *lines))
    print(f"{table}\nwritten into {replace_table('accuracy.md', 'varied', table)}")


def _measure(scenario: Scenario, variation: Variation) -> Comparison:
    streams = tuple(
        replace(stream, arrivals=_varied(stream.arrivals, variation.load))
        for stream in scenario.streams
    )
    varied = replace(scenario, streams=streams)
    folder = FOLDER / f"{scenario.name}~{variation.load:g}"
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, ignore_cleanup_errors=True) as temporary:
            unfinished = Path(temporary) / "run"
            unfinished.mkdir()
            options = RecordingOptions(
                before_s=0.5,
                after_s=0.5,
                server_options=_server_options(scenario, variation.timeout, unfinished),
            )
            record_scenario(varied, unfinished, options, NoProgress())
            unfinished.rename(folder)
    facts, truths = read_truth(folder / "truth.json")
    log = folder / FILE_NAME
    return diagnose(RecordedScenario(varied, folder / "bundle", (), facts, truths, log))[1]


def _varied(arrivals: Arrivals, load: float) -> Arrivals:
    """So many times the load, at other times."""
    if arrivals.kind == "closed":
        return replace(arrivals, concurrency=max(1, round(arrivals.concurrency * load)))
    size = max(2, round(arrivals.burst_size * load)) if arrivals.kind == "burst" else 0
    return replace(arrivals, rate=arrivals.rate * load, burst_size=size, seed=arrivals.seed + 100)


def _server_options(scenario: Scenario, timeout: float, folder: Path) -> tuple[str, ...]:
    """The parameters with another timeout, where the one model is batched."""
    texts = [plan.batching for plan in scenario.models if plan.batching is not None]
    if len(scenario.models) != 1 or not texts:
        return ()
    file = folder / "batching_parameters.txt"
    file.write_text(
        _TIMEOUT.sub(lambda found: f"{found[1]}{round(int(found[2]) * timeout)}", texts[0])
    )
    return ("--batching-parameters-file", str(file))
