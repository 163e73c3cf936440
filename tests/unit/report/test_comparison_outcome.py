"""The first words of a comparison: what else differs decides whether "better" may be said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.comparison.result import Circumstance, Comparison
from diag.report.comparison.words import outcome_sentence
from tests.unit.comparison.test_pipeline import compared, times

TRAFFIC = Circumstance("load", "50 requests/s", "300 requests/s", True, "The load differs.")
SERVER = Circumstance("models", "m:1", "m:2", True, "Other models.", of_server=True)


def opening(comparison: Comparison, *differing: Circumstance) -> str:
    return outcome_sentence(replace(comparison, circumstances=differing)).partition(":")[0]


@pytest.mark.parametrize(
    ("before", "after", "plain", "qualified"),
    [
        (400, 200, "Better", "Latency fell, but not under the same conditions"),
        (200, 400, "Worse", "Latency rose, but not under the same conditions"),
    ],
)
def test_another_load_takes_the_judgement_back(
    before: int, after: int, plain: str, qualified: str
) -> None:
    comparison = compared(times(before), times(after, seed=1))
    assert opening(comparison) == plain
    assert opening(comparison, SERVER) == plain  # another version may be what is compared
    assert opening(comparison, SERVER, TRAFFIC) == qualified
