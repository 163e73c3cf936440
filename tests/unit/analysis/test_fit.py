"""The fitted line of device time over batch size, and what it says about larger batches."""

from __future__ import annotations

import numpy as np
import pytest

from diag.analysis.fit import Fit, effect_of_size
from diag.model.availability import Unavailable
from diag.model.device import LargerBatches

NOT_KNOWN = Unavailable("noise")
ROWS = np.array([-1, 4, 8, 8])


@pytest.mark.parametrize(
    ("fixed_ms", "per_row_ms", "effect"),
    [
        (1.0, 0.25, LargerBatches.SAVE_SOME),
        (2.0, None, LargerBatches.NEARLY_FREE),
        (2.0, 0.01, LargerBatches.NEARLY_FREE),
        (0.02, 0.25, LargerBatches.SAVE_NOTHING),
        (-0.02, 0.25, LargerBatches.SAVE_NOTHING),
    ],
)
def test_sizes_that_differ_enough_show_what_larger_batches_do(fixed_ms, per_row_ms, effect):
    per_row = NOT_KNOWN if per_row_ms is None else per_row_ms * 1e6
    assert effect_of_size(Fit(fixed_ms * 1e6, per_row, 1.0), ROWS) is effect


def test_sizes_too_alike_show_nothing():
    assert effect_of_size(Fit(2e6, 1e4, 1e4), np.array([7, 8])) == Unavailable(
        "sizes from 7 to 8 rows are too alike to compare"
    )


def test_without_a_line_nothing_is_known_and_its_reason_stays():
    assert effect_of_size(Fit(NOT_KNOWN, NOT_KNOWN, NOT_KNOWN), ROWS) is NOT_KNOWN
