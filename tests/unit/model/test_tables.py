"""Tables and sets that hold arrays can be compared, hashed and shown."""

from __future__ import annotations

from dataclasses import is_dataclass, replace

import numpy as np
import pytest

from diag.analysis import Analysis
from diag.model.intervals import IntervalSet
from tests.unit.analysis.traces import QUEUE_A, analyzed

TEXT = f"""
plane /host:CPU
line grpc-1
  BatchingSessionRun 100..900us
    ScheduleOutputTask 110..111us size=1 _p={QUEUE_A + 1}
line b/1
  ProcessBatch 200..890us batch_size_before_padding=1 _c={QUEUE_A + 1}
    SessionRun 210..880us id=1 _p=1
"""


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyzed(TEXT)


@pytest.mark.parametrize("name", ["requests", "batches", "gaps", "host"])
def test_tables_are_equal_to_themselves_alone_and_have_a_hash(
    analysis: Analysis, name: str
) -> None:
    table = getattr(analysis, name)
    assert is_dataclass(table)
    assert table == table
    assert table != replace(table)
    assert len({table, replace(table)}) == 2


def test_a_table_is_shown_by_its_size(analysis: Analysis) -> None:
    assert repr(analysis.requests) == "RequestTable(1 rows)"
    assert repr(analysis.batches) == "BatchTable(1 rows)"
    assert repr(analysis.gaps) == f"GapTable({len(analysis.gaps)} rows)"
    assert repr(analysis.host.events) == "EventTable(4 events, 5 stats)"
    assert repr(analysis.host) == "Plane('/host:CPU', 2 lines, 4 events)"
    assert repr(analysis.host.events.stat("size")) == "StatColumn(1 rows)"


def test_an_interval_set_is_shown_by_what_it_covers() -> None:
    found = IntervalSet(np.array([1, 5]), np.array([3, 9]))
    assert repr(found) == "IntervalSet(2 intervals, 6 ns)"
    assert found == found
    assert found != IntervalSet(*found.edges)
    assert found.where(np.array([False, True])).total_ns == 4
