"""What is known of the times of batches, and other times that are as likely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp
from typing import TYPE_CHECKING

import numpy as np

from diag.prediction import thresholds
from diag.prediction.batch_times import RecordedBatches, mean_others
from diag.prediction.contention import find_mutual

if TYPE_CHECKING:
    from random import Random

    from diag.analysis.result import Analysis
    from diag.prediction.batch_times import BatchTimes
    from diag.prediction.contention import Mutual


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """What is known of the times of batches.

    Attributes:
        recorded: The batches.
        best: The most likely times.
        mutual: By how much one running batch slows another down.
    """

    recorded: RecordedBatches
    best: BatchTimes
    mutual: Mutual

    def drawn(self, random: Random, part: float | None = None) -> BatchTimes:
        """Times that are as likely: of other batches, at other times.

        Args:
            random: Source of chance.
            part: Where in its range everything is that the recording does not show, from 0 for the
                shortest times to 1 for the longest; None to draw it.
        """
        least, most = self.mutual.least, self.mutual.most
        mutual = random.uniform(least, most) if part is None else least + part * (most - least)
        times = self.recorded.resampled(random).times(mutual)
        curves = tuple(
            curve.between(random.random() if part is None else part) for curve in times.curves
        )
        spread = thresholds.PACE_SPREAD
        pace = random.gauss(0, spread) if part is None else (2 * part - 1) * 2 * spread
        return replace(times, curves=curves, pace=exp(pace))


def fit_service(analysis: Analysis, recorded: RecordedBatches) -> Service:
    """Fit the times of recorded batches; at least one must have run."""
    mutual = find_mutual(analysis, recorded)
    return Service(recorded, recorded.times(mutual.value), mutual)


def recorded_batches(analysis: Analysis) -> RecordedBatches:
    """The batches that ran."""
    batches = analysis.batches
    ran = ~batches.is_failed
    start, end = batches.start_ns[ran], batches.end_ns[ran]
    return RecordedBatches(
        queue=batches.queue_index[ran].astype(np.int64),
        rows=batches.executed_rows[ran],
        start_ns=start - analysis.capture.window.start_ns,
        taken_ns=(end - start).astype(np.float64),
        others=mean_others(start, end),
        queues=len(batches.queues),
        window_ns=max(1, analysis.capture.window.duration_ns),
    )
