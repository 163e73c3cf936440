"""The cost of a capture: the clients' latency before, during and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.demo.load import ClientCall

MIN_SAMPLES = {50: 10, 90: 30, 99: 100}
"""Least number of calls by percentile: with fewer calls there is no sample beyond it."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Calls that were due in one phase.

    Attributes:
        name: ``before``, ``during`` or ``after``.
        seconds: Length of the phase.
        calls: Calls with status OK.
        errors: Calls with another status.
        mean_ms: Mean time from due time to answer of the OK calls; None without any.
        percentiles_ms: The same times by percent; None where there are too few calls.
    """

    name: str
    seconds: float
    calls: int
    errors: int
    mean_ms: float | None
    percentiles_ms: dict[int, float | None]

    def as_record(self) -> dict[str, Any]:
        """The phase as plain data for load.json and the bundle."""
        return {
            "seconds": round(self.seconds, 3),
            "calls": self.calls,
            "errors": self.errors,
            "mean_ms": self.mean_ms,
            **{f"p{percent}_ms": value for percent, value in self.percentiles_ms.items()},
        }


def observe(
    calls: Sequence[ClientCall],
    *,
    before: tuple[int, int],
    during: tuple[int, int],
    after: tuple[int, int],
) -> tuple[Phase, Phase, Phase]:
    """Assign calls to phases by their due times; phases are half-open, in ns since the epoch."""
    return (
        _phase("before", calls, before),
        _phase("during", calls, during),
        _phase("after", calls, after),
    )


def percentile(values: Sequence[int], percent: int) -> int:
    """Nearest rank: the smallest value that at least ``percent`` of all do not exceed.

    Raises:
        ValueError: No values.
    """
    if not values:
        raise ValueError("no values")
    return int(np.percentile(values, percent, method="inverted_cdf"))


def _phase(name: str, calls: Sequence[ClientCall], span: tuple[int, int]) -> Phase:
    due = [call for call in calls if span[0] <= call.due_unix_ns < span[1]]
    latency = [call.done_unix_ns - call.due_unix_ns for call in due if call.status_code == 0]
    return Phase(
        name=name,
        seconds=(span[1] - span[0]) / 1e9,
        calls=len(latency),
        errors=len(due) - len(latency),
        mean_ms=sum(latency) / len(latency) / 1e6 if latency else None,
        percentiles_ms={
            percent: percentile(latency, percent) / 1e6 if len(latency) >= least else None
            for percent, least in MIN_SAMPLES.items()
        },
    )
