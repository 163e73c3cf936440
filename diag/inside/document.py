"""Writes ``diag/stacks.json`` in pieces, each of which holds Python's lock briefly."""

from __future__ import annotations

import json
import os
from typing import IO

from .sampler import StackSampler

_PIECE = 2000


def open_private(path: str) -> IO[str]:
    """A new file that its owner alone can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8")


def write_stacks(sampler: StackSampler, file: IO[str]) -> None:
    """Write the document."""
    head = {
        "period_ns": sampler.period_ns,
        "incomplete": sampler.incomplete,
        "cost": {
            "readings": sampler.readings,
            "cpu_ns": sampler.cpu_ns,
            "elapsed_ns": sampler.elapsed_ns,
        },
        "frames": sampler.functions.described(),
    }
    file.write(json.dumps(head)[:-1])
    file.write(',"stacks":[')
    _pieces(file, [json.dumps(stack) for stack in sampler.stacks])
    file.write('],"samples":{')
    for number, (name, values) in enumerate(sampler.rows.items()):
        file.write(f'{"," if number else ""}"{name}":[')
        _pieces(file, values)
        file.write("]")
    file.write("}}")


def _pieces(file: IO[str], values: object) -> None:
    for start in range(0, len(values), _PIECE):  # type: ignore[arg-type]
        piece = ",".join(map(str, values[start : start + _PIECE]))  # type: ignore[index]
        file.write(("," if start else "") + piece)
