"""diag starts fast, because it imports only what a command needs."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

HEAVY = {
    "google.protobuf", "grpc", "msgspec", "numpy", "prometheus_client", "psutil", "pynvml", "rich",
    "simpy", "tensorflow",
}  # fmt: skip
HELP_MAX_SECONDS = 0.4

PROGRAM = """
import io, json, sys
from contextlib import redirect_stdout, redirect_stderr
from diag.cli import main
with redirect_stdout(io.TextIOWrapper(io.BytesIO())) as out, redirect_stderr(io.StringIO()):
    status = main(json.loads(sys.argv[1]))
    out.flush()
text = out.buffer.getvalue().decode()
print(json.dumps({"status": status, "out": text, "modules": sorted(sys.modules)}))
"""


def run(*arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(arguments)],
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["analyze", "--help"],
        ["export", "--help"],
        ["capture", "--help"],
        ["agent", "--help"],
        ["completion", "--help"],
        ["completion", "bash"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_help_version_and_usage_errors_import_nothing_heavy(arguments):
    result = run(*arguments)
    assert result["status"] == (2 if arguments == ["no-such-command"] else 0)
    assert not HEAVY & set(result["modules"])


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("diag ", "capture"),
        ("diag export x --table ", "requests"),
        ("diag export x --format ", "csv"),
        ("diag export x --to ", "otlp"),
        ("diag analyze x --format ", "json"),
        ("diag capture --require ", "gpu"),
        ("diag capture --", "--server"),
    ],
)
def test_completion_imports_nothing_heavy(words, offered, monkeypatch):
    monkeypatch.setenv("_DIAG_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    result = run()
    assert f"plain,{offered}\n" in str(result["out"])
    assert not HEAVY & set(result["modules"])


def test_help_names_every_command_within_its_time():
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "diag", "--help"], capture_output=True, check=True, text=True
        )
        seconds.append(time.perf_counter() - started)
    assert all(f"  {name} " in done.stdout for name in ("capture", "analyze", "export", "demo"))
    assert min(seconds) < HELP_MAX_SECONDS
