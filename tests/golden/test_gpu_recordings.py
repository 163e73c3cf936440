"""Recordings of real GPUs, made by ``python -m tests.gpu.record --keep``: the planted causes.

While the repository has none, the page on GPUs has to say so.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import SAMPLE_TRACES
from tests.gpu.agreement import LogComparison
from tests.gpu.outcome import outcome_of

PAGE = SAMPLE_TRACES.parent / "docs" / "gpu.md"
NONE_YET = "No recording of a real GPU is part of this repository yet"
RECORDINGS = sorted(path.parent for path in SAMPLE_TRACES.glob("gpu-*/*/bundle.zip"))
RECORDINGS_MAX, BUNDLE_MAX_BYTES = 8, 2_000_000


def test_the_page_on_gpus_says_whether_a_real_one_was_ever_recorded() -> None:
    said = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert (NONE_YET in said) == (not RECORDINGS)


def test_recordings_are_few_and_small_and_nothing_else_lies_beside_them() -> None:
    by_model: dict[Path, int] = {}
    for folder in RECORDINGS:
        by_model[folder.parent] = by_model.get(folder.parent, 0) + 1
        names = {path.name for path in folder.iterdir()}
        assert names == {"bundle.zip", "truth.json", "batching_parameters.txt"}
        assert (folder / "bundle.zip").stat().st_size <= BUNDLE_MAX_BYTES
    assert all(count <= RECORDINGS_MAX for count in by_model.values())
    # A folder that a glob overlooks would be no golden test at all.
    assert {path.parent for path in RECORDINGS} == set(SAMPLE_TRACES.glob("gpu-*"))


if RECORDINGS:  # an empty list of parameters would count as a skipped test

    @pytest.mark.parametrize("folder", RECORDINGS, ids=lambda path: path.name)
    def test_the_planted_cause_is_the_verdict_and_most_of_the_idle_time(folder: Path) -> None:
        outcome = outcome_of(folder)
        assert json.loads((folder / "truth.json").read_text())["platform"] == "gpu"
        assert outcome.has_gpu_plane
        assert outcome.is_right

    @pytest.mark.parametrize("folder", RECORDINGS, ids=lambda path: path.name)
    def test_time_without_a_request_is_never_called_starvation(folder: Path) -> None:
        outcome = outcome_of(folder)
        log = LogComparison(outcome.analysis, outcome.truth)
        window_ns = outcome.analysis.capture.window.duration_ns
        assert log.starved_without_request_ns() <= 0.001 * window_ns
