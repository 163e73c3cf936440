"""Pieces of a request's path, joined."""

from __future__ import annotations

import numpy as np
import pytest

from diag.model.paths import RequestPath

# Each piece: stage, batch, step, line; pieces are 10 ns long and follow each other.
CASES = {
    "nothing": ("", ""),
    "one": ("0/1/2/3", "0..10 0/1/2/3"),
    "same": ("0/1/2/3 0/1/2/3", "0..20 0/1/2/3"),
    "other line": ("0/1/2/3 0/1/2/4", "0..20 0/1/2/3"),
    "other stage": ("0/1/2/3 5/1/2/3", "0..10 0/1/2/3, 10..20 5/1/2/3"),
    "other batch": ("0/1/2/3 0/7/2/3", "0..10 0/1/2/3, 10..20 0/7/2/3"),
    "other step": ("0/1/2/3 0/1/-1/3", "0..10 0/1/2/3, 10..20 0/1/-1/3"),
    "there and back": ("0/1/2/3 5/1/2/3 5/1/2/3 0/1/2/3",
                       "0..10 0/1/2/3, 10..30 5/1/2/3, 30..40 0/1/2/3"),
}  # fmt: skip


def path_of(text: str) -> RequestPath:
    columns = np.array([piece.split("/") for piece in text.split()], np.int64).reshape(-1, 4).T
    stage, batch, step, line = columns
    start_ns = np.arange(len(stage)) * 10
    return RequestPath(0, start_ns, start_ns + 10, stage, line, batch, step)


def text_of(path: RequestPath) -> str:
    columns = (path.start_ns, path.end_ns, path.stage_index, path.batch, path.step, path.line)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return ", ".join(f"{row[0]}..{row[1]} {'/'.join(map(str, row[2:]))}" for row in rows)


@pytest.mark.parametrize(("pieces", "merged"), CASES.values(), ids=CASES)
def test_neighbours_of_one_stage_batch_and_run_are_one_piece(pieces: str, merged: str) -> None:
    assert text_of(path_of(pieces).merged()) == merged
