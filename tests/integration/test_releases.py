"""What diag says about programs recorded with other releases of TensorFlow and JAX.

The recordings are made by ``python -m benchmarks.versions`` and judged as it judges them.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.versions.answer import answer
from benchmarks.versions.expectations import EXPECTATIONS
from benchmarks.versions.judge import judge
from benchmarks.versions.record import TRACE, TRUTH

FOLDER = Path(__file__).parents[1] / "recordings" / "releases"
RECORDINGS = sorted(FOLDER.glob(f"*/*{TRACE}.gz"))
PROGRAMS = {each.program: each for each in EXPECTATIONS}
BYTES_MAX = 1_500_000


def program_of(recording: Path) -> str:
    return recording.name.removesuffix(f"{TRACE}.gz")


@pytest.mark.parametrize(
    "recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{program_of(path)}"
)
def test_the_answer_about_a_recording_is_right(recording: Path, tmp_path: Path) -> None:
    program = program_of(recording)
    trace = tmp_path / f"{program}{TRACE}"
    trace.write_bytes(gzip.decompress(recording.read_bytes()))
    truth = json.loads((recording.parent / f"{program}{TRUTH}").read_text())
    assert judge(answer(trace), PROGRAMS[program], truth).faults == ()


def test_the_recordings_cover_the_programs_and_stay_small() -> None:
    assert {program_of(path) for path in RECORDINGS} == set(PROGRAMS)
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < BYTES_MAX
