"""The section of batches: why they were started, under which parameters, and how long they take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis.fit import Fit
from diag.model.availability import Unavailable
from tests.unit.report.factory import MS, make_analysis, make_report


def test_queues_say_why_batches_were_started_and_their_parameters_and_time():
    analysis = make_analysis()
    notes = [note.text for note in make_report(analysis).table("batches").notes]
    assert notes == [
        "started because: timeout 50.0%, unknown 50.0%",
        (
            "parameters: max_batch_size 32 (file), batch_timeout_micros 10000 (estimated), "
            "num_batch_threads n/a (no batch ran)"
        ),
        (
            "time of a batch by its executed rows is not known: sizes from 3 to 4 rows are too "
            "alike to show the cost of a row"
        ),
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            Fit(3.0 * MS, 0.25 * MS, 0.3 * MS, 8, 32),
            "time of a batch, fitted: 3.00 ms and 250 µs a row (8 to 32 rows)",
        ),
        (
            Fit(3.0 * MS, Unavailable("flat"), 0.0, 8, 32),
            "time of a batch, fitted: 3.00 ms whatever its rows (8 to 32 rows)",
        ),
    ],
)
def test_the_fitted_time_of_a_batch_is_told_with_the_sizes_it_rests_on(line, text):
    analysis = make_analysis()
    queue = replace(analysis.queues[0], line=line)
    notes = make_report(replace(analysis, queues=(queue,))).table("batches").notes
    assert notes[-1].text == text
    assert not notes[-1].is_detail
    rows = make_report(analysis).table("batch_close_reasons").rows
    assert [(row["started"], row["reason"]) for row in rows] == [
        ("timeout", "timeout"),
        ("unknown", "unknown"),
        ("full", "size"),
    ]
    several = replace(analysis, queues=analysis.queues * 2)
    notes = [note.text for note in make_report(several).table("batches").notes]
    assert len(notes) == 6
    assert notes[0].startswith("convnet queue 4f3a0001 batches started because: timeout")
