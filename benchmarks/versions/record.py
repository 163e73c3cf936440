"""Record every program with every release, each in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.versions.environments import make_environment
from benchmarks.versions.expectations import EXPECTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.versions.releases import Release

PROGRAMS = Path(__file__).parent / "programs"
LIMIT_SECONDS = 300  # a program takes ten on an idle machine
TRACE, TRUTH = ".xplane.pb", ".truth.json"


def record(releases: Iterable[Release], work: Path, pythons: Sequence[Path]) -> list[str]:
    """Record what is not there yet, below ``work``; an environment is deleted after its use.

    Returns:
        What failed, a line each.
    """
    failed = []
    for release in releases:
        missing = [each for each in _programs(release) if not _is_recorded(release, each, work)]
        if not missing:
            continue
        place = work / "environments" / release.name
        try:
            python = make_environment(release, place, pythons)
            failed += [line for each in missing if (line := _record(release, each, python, work))]
        except (OSError, subprocess.SubprocessError) as error:
            failed.append(f"{release.name}: {error}")
        shutil.rmtree(place, ignore_errors=True)
    return failed


def trace_path(release: Release, program: str, work: Path) -> Path:
    """Where a recording lies; the truth lies beside it."""
    return work / release.name / f"{program}{TRACE}"


def truth_path(release: Release, program: str, work: Path) -> Path:
    """Where the truth of a recording lies."""
    return work / release.name / f"{program}{TRUTH}"


def _programs(release: Release) -> list[str]:
    return [each.program for each in EXPECTATIONS if each.library == release.library]


def _is_recorded(release: Release, program: str, work: Path) -> bool:
    places = (trace_path(release, program, work), truth_path(release, program, work))
    return all(place.exists() for place in places)


def _record(release: Release, program: str, python: Path, work: Path) -> str:
    """Record one program; returns why it failed, or ""."""
    trace, truth = trace_path(release, program, work), truth_path(release, program, work)
    trace.parent.mkdir(parents=True, exist_ok=True)
    print(f"recording {release.name} {program}", flush=True)
    command = [python, PROGRAMS / f"{program}.py", trace, truth]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    try:
        done = subprocess.run(
            command,
            env={**_without_python_path(), **quiet},
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"{release.name} {program}: no end within {LIMIT_SECONDS} s"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return f"{release.name} {program}: {last}"
    return ""


def _without_python_path() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
