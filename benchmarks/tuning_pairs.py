"""Predictions of diag tune against reruns: every pair of settings of a load, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.prediction.recorded import read_recorded
from diag.tuning import tune

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.tuning_loads import Parameters, TunedLoad
    from diag.analysis import Analysis
    from diag.prediction.replicates import Estimate

METRICS = ("mean_ms", "p99_ms", "throughput_per_s", "rows_mean")
# Part by which a prediction may be off (ratio): what is wanted of the mean and of p99.
WANTED = 0.15
_FIELDS = ("max_batch_size", "batch_timeout_micros", "num_batch_threads", "allowed_batch_sizes")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One prediction and what the rerun gave.

    Attributes:
        made: Predicted, by metric; None where the self-check failed.
        misses: What did not fit then, with its relative error.
        rerun: Measured with the other setting, by metric: median of its recordings.
    """

    load: TunedLoad
    now: Parameters
    to: Parameters
    made: dict[str, Estimate] | None
    misses: dict[str, float]
    rerun: dict[str, float]

    def error(self, metric: str) -> float:
        """Predicted over measured, minus 1."""
        assert self.made is not None
        return self.made[metric].value / self.rerun[metric] - 1

    def is_in_range(self, metric: str) -> bool:
        """Whether the rerun lies in the predicted range."""
        assert self.made is not None
        return self.made[metric].low <= self.rerun[metric] <= self.made[metric].high


def predict_pairs(load: TunedLoad, recorded: Sequence[Sequence[Analysis]]) -> list[Outcome]:
    """Every ordered pair of a load's settings.

    Args:
        load: Its settings, in the order of the recordings.
        recorded: Some for each setting; the first is asked.
    """
    measured = [_median(reruns) for reruns in recorded]
    found = []
    for now, (analysis, *_) in zip(load.settings, recorded, strict=True):
        for to, rerun in zip(load.settings, measured, strict=True):
            if to == now:
                continue
            names = (name for name in _FIELDS if getattr(to, name) != getattr(now, name))
            tuning = tune(analysis, {name: getattr(to, name) for name in names})
            made = tuning.prediction
            estimates = None if isinstance(made, Unavailable) else {n: made[n] for n in METRICS}
            found.append(Outcome(load, now, to, estimates, tuning.self_check.misses, rerun))
    return found


def spread_of(reruns: Sequence[Analysis]) -> dict[str, float]:
    """By metric: largest less smallest of one setting's recordings, as a ratio of their median."""
    measured = [_measured(analysis) for analysis in reruns]
    middle = _median(reruns)
    return {
        name: (max(m[name] for m in measured) - min(m[name] for m in measured)) / middle[name]
        for name in METRICS
    }


def _median(reruns: Sequence[Analysis]) -> dict[str, float]:
    measured = [_measured(analysis) for analysis in reruns]
    return {name: median(each[name] for each in measured) for name in METRICS}


def _measured(analysis: Analysis) -> dict[str, float]:
    server = read_recorded(analysis)
    if isinstance(server, Unavailable):
        raise RuntimeError(f"a recording cannot be simulated: {server.reason}")
    return {name: getattr(server.measured, name) for name in METRICS}
