"""What sampling GPUs costs the machine it runs on: into docs/overhead.md.

Against the tests' stand-in for the driver's library: what Python and the thread cost, without what
a real driver does in a call. Takes less than a minute.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.docs_table import replace_table
from diag.capture.samplers.sampler import Sampler
from diag.model.availability import Unavailable
from diag.model.samples import SamplerCost
from tests.support.nvml_standin import build_standin
from tests.support.nvml_standin.child import sample_gpus

# Everything that a GPU can be asked is answered.
SCRIPT = "gpus {gpus}; * gpm_sm 40; * gpm_tensor 12; * process 77 memory=1000 sm=55"
GPUS = (0, 1, 8)
RATES_HZ = (20, 100)
RUNS = 3
SECONDS = 3.0
HEADS = ("GPUs", "readings a second", "CPU of one core", "range", "a reading")


class Nothing:
    """A reader of nothing: what is left is the thread and its waking up."""

    source = "gpu"
    units: dict[str, str] = {}  # noqa: RUF012
    missing: dict[str, str] = {}  # noqa: RUF012
    devices = ()
    detail = "nothing"

    def __init__(self, period_ns: int) -> None:
        self.period_ns = period_ns

    def read(self) -> dict[str, Any]:
        """No field."""
        return {}

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        """No sample."""
        return []

    def background_cpu_ns(self) -> int:
        """There is no other thread."""
        return 0

    def close(self) -> None:
        """Nothing is held."""


def run() -> None:
    """Measures every number of GPUs at every rate and writes the table."""
    with tempfile.TemporaryDirectory(prefix="diag-sampler-") as folder:
        library = build_standin(Path(folder))
        rows = [_row(library, gpus, rate_hz) for gpus in GPUS for rate_hz in RATES_HZ]
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    replace_table("overhead.md", "sampler", "\n".join(f"| {' | '.join(row)} |" for row in lines))


def _row(library: Path, gpus: int, rate_hz: int) -> tuple[str, ...]:
    costs = [_measure(library, gpus, rate_hz) for _ in range(RUNS)]
    percents = sorted(100 * cost.cpu_ns / cost.elapsed_ns for cost in costs)
    reading_us = median(cost.cpu_ns / cost.readings / 1e3 for cost in costs)
    row = (
        str(gpus or "none: the thread alone"),
        f"{median(cost.readings / cost.elapsed_ns * 1e9 for cost in costs):.0f}",
        f"{median(percents):.2f} %",
        f"{percents[0]:.2f} to {percents[-1]:.2f} %",
        f"{reading_us:.0f} µs",
    )
    print(*row, sep="  ", flush=True)
    return row


def _measure(library: Path, gpus: int, rate_hz: int) -> SamplerCost:
    if gpus:
        script = SCRIPT.format(gpus=gpus)
        return SamplerCost(**sample_gpus(library, script, seconds=SECONDS, rate_hz=rate_hz)["cost"])
    sampler = Sampler(Nothing(1_000_000_000 // rate_hz))
    sampler.start()
    time.sleep(SECONDS)
    series = sampler.stop()
    if isinstance(series, Unavailable) or isinstance(series.cost, Unavailable):
        raise RuntimeError("nothing was sampled")
    return series.cost
