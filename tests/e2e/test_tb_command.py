"""``diag tb`` with the real TensorBoard, and ``diag show --open``."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from diag.cli import main
from tests.conftest import sample_path

BUNDLE = sample_path("demo-batch-timeout") / "bundle.zip"
RUN = "2026_11_23_01_58_57"
START_LIMIT_S = 180


def temporary_folders(folder: Path) -> list[Path]:
    return list(folder.glob("diag-tb-*"))


@pytest.mark.parametrize("ends_with", [signal.SIGINT, signal.SIGTERM])
def test_a_bundle_is_shown_until_it_is_interrupted(
    tmp_path: Path, ends_with: signal.Signals
) -> None:
    command = [sys.executable, "-m", "diag", "tb", str(BUNDLE), "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/#diag", address)
        if found is None:
            pytest.fail(f"{address}\n{process.communicate(timeout=60)[1]}")
        with urllib.request.urlopen(f"{found[1]}/data/plugin/diag/runs", timeout=30) as answer:
            listed = json.load(answer)["runs"]
        assert [(each["run"], each["is_bundle"]) for each in listed] == [(RUN, True)]
        assert len(temporary_folders(tmp_path)) == 1
        process.send_signal(ends_with)
        try:
            _, err = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "trace_viewer@ (the Overview is empty for servers)" in err
    assert temporary_folders(tmp_path) == []
    with pytest.raises(OSError):  # noqa: PT011  any refusal
        urllib.request.urlopen(found[1], timeout=5)


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["tb", str(BUNDLE), "--port", str(port)]) == 7
    assert "TensorBoard did not start" in capsys.readouterr().err


def test_what_is_no_recording_is_refused_before_tensorboard_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    assert main(["tb", str(tmp_path)]) == 3
    assert "no trace in it" in capsys.readouterr().err
    (tmp_path / "bad.zip").write_bytes(b"PK but no zip")
    assert main(["tb", str(tmp_path / "bad.zip")]) == 3
    assert "not a whole zip" in capsys.readouterr().err
    assert time.monotonic() - begun < START_LIMIT_S


def test_show_says_how_to_open_a_request_in_both_viewers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(BUNDLE)
    assert main(["show", source, "--slowest", "1", "--open", "tensorboard", "-o", "-"]) == 0
    out, err = capsys.readouterr()
    assert "request 67" in out.lower()
    assert "To open request 67 in tensorboard:" in err
    assert f"diag tb {source}" in err
    assert "view_start=2483.743928&view_end=2620.926076" in err
    assert RUN in err
    assert main(["show", source, "--request", "67", "--open", "perfetto"]) == 0
    _, err = capsys.readouterr()
    assert f"diag export {source} --to perfetto -o bundle.pftrace" in err
    assert "#!/?ts=2518039465&dur=68591074&visStart=2518039465&visEnd=2586630539" in err


def test_show_without_a_request_says_nothing_to_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(BUNDLE) as bundle:
        bundle.extractall(tmp_path)
    assert main(["show", str(tmp_path), "--at", "3600s", "--open", "perfetto"]) == 0
    assert "To open" not in capsys.readouterr().err
