"""Formats that cannot be written are refused before the source is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as theirs

from diag.cli import main
from tests.conftest import sample_path


def test_a_missing_package_is_named_before_the_source_is_read(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["export", "absent.zip", "--table", "gaps", "--format", "parquet"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "the format parquet needs pyarrow" in err
    assert "hint:  pip install 'tfserving-diag[tables]'" in err


def test_a_timeline_is_written_and_what_opens_it_is_said(tmp_path, capsys):
    source = str(sample_path("padding") / "server.xplane.pb")
    target = tmp_path / "padding.pftrace"
    assert main(["export", source, "--to", "perfetto", "-o", str(target)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"wrote {target}; open it with https://ui.perfetto.dev\n"
    assert theirs.Trace.FromString(target.read_bytes()).packet[0].HasField("clock_snapshot")
    assert main(["export", source, "--to", "chrome", "-q"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out)["otherData"]["source"] == "server"
    assert main(["export", source, "--to", "perfetto", "-o", str(target)]) == 7
    assert "exists" in capsys.readouterr().err


def test_a_timeline_is_no_table(capsys):
    assert main(["export", "absent.zip", "--to", "chrome", "--table", "gaps"]) == 2
    assert "--to excludes --table and --format" in capsys.readouterr().err


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
