"""The calls of the load generator, as diag reads them from a clients' log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from diag.demo.client_log import write_client_log
from diag.demo.load import ClientCall
from diag.errors import OutputError
from diag.formats.text.client_log import load_client_log

if TYPE_CHECKING:
    from pathlib import Path

S = 1_700_000_000_000_000_000
CALLS = (
    ClientCall("dense", S, S + 500, S + 9_000_001, 0),
    ClientCall("dense", S + 1, S + 600, S + 20_000_000, 14),
    ClientCall("light", S + 2, S + 700, S + 30_000_000, 4),
)


def test_begin_end_and_status_come_back_to_the_nanosecond(tmp_path: Path) -> None:
    path = write_client_log(tmp_path, CALLS)
    assert path == tmp_path / "calls.csv"
    log = load_client_log(path)
    assert (log.start_unix_ns - S).tolist() == [500, 600, 700]  # sent, not due
    assert (log.end_unix_ns - S).tolist() == [9_000_001, 20_000_000, 30_000_000]
    statuses = np.array(log.statuses)[log.status_index]
    assert statuses.tolist() == ["OK", "UNAVAILABLE", "DEADLINE_EXCEEDED"]


def test_a_log_without_calls_has_its_header(tmp_path: Path) -> None:
    assert write_client_log(tmp_path, ()).read_text() == "start,end,status,model\n"
    assert len(load_client_log(tmp_path / "calls.csv")) == 0


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"could not write .*calls\.csv") as caught:
        write_client_log(tmp_path / "gone", CALLS)
    assert caught.value.cause == "No such file or directory"
