"""Formats that cannot be written are refused before the source is read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from diag.cli import main


def test_a_missing_package_is_named_before_the_source_is_read(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["export", "absent.zip", "--table", "gaps", "--format", "parquet"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "the format parquet needs pyarrow" in err
    assert "hint:  pip install 'tfserving-diag[tables]'" in err


def test_binary_data_is_not_written_to_a_terminal(tmp_path):
    (tmp_path / "pyarrow.py").touch()
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "diag", "export", "absent.zip", "-t", "gaps", "-f", "parquet"]
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    done = subprocess.run(
        command,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert "would write binary data to the terminal" in done.stderr
    assert done.stderr.endswith("--format parquet --output table.parquet\n")
