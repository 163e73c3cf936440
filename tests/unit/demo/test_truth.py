from __future__ import annotations

from pathlib import Path

from diag.demo.truth import BatchPart, RequestTruth, read_truth, write_truth

PARTS = (BatchPart(30, 40, rows=1, executed_rows=4), BatchPart(50, 60, rows=2, executed_rows=4))
WHOLE = RequestTruth("m", 3, "OK", 1, 2, 90, 10, 20, 80, PARTS)
FAILED = RequestTruth("m", 1, "UNAVAILABLE", 0, 1, 5)


def test_truth_comes_back_as_written_in_the_order_of_the_calls(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    write_truth(path, {"scenario": "x", "batching": {"m": None}}, [WHOLE, FAILED])
    facts, requests = read_truth(path)
    assert facts == {"scenario": "x", "batching": {"m": None}}
    assert requests == (FAILED, WHOLE)


def test_truth_without_requests_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    write_truth(path, {"scenario": "x"}, [])
    assert read_truth(path) == ({"scenario": "x"}, ())
