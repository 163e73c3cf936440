"""Lines typed at a shell and what diag prints: help pages, and errors of arguments and inputs."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from pathlib import Path
from unittest.mock import patch

from diag.cli import main
from diag.cli.commands import COMMANDS

FOLDER = Path(__file__).parent / "command_line"
WIDTH = 80

# Typed in a folder that holds what ``prepare`` makes.
WRONG = (
    "analyse",
    "xyzzy",
    "analyze",
    "analyze absent.zip",
    "analyze empty.xplane.pb",
    "analyze notes.txt",
    "analyze report.json.gz",
    "analyze empty-folder",
    "analyze logs --format json",
    "analyze logs --run 2025",
    "analyze notes.txt --format pdf",
    "analyze notes.txt --preprocess-ops '(Decode'",
    "analyze notes.txt --batching-parameters absent.txt",
    "analyze notes.txt --batching-parameters parameters.txt",
    "analyze notes.txt --fail-on batch-timeout",
    "analyze notes.txt -o taken.md",
    "analyze notes.txt -o absent/report.md",
    "analyze notes.txt -o empty-folder",
    "show",
    "show notes.txt --request 1 --slowest 2",
    "show notes.txt --slowest 1000",
    "show notes.txt --at noon",
    "compare notes.txt",
    "compare - -",
    "compare absent.zip notes.txt",
    "compare notes.txt notes.txt --fail-on-regression p95=10%",
    "compare notes.txt notes.txt --fail-on-regression p99=much",
    "export notes.txt",
    "export notes.txt --tabel gaps",
    "export notes.txt --table gasp",
    "export notes.txt --table all",
    "export notes.txt --to excel",
    "export notes.txt --to perfetto --table gaps",
    "export notes.txt --to perfetto -o taken.md",
    "export notes.txt --to prometheus --max-requests 10",
    "export notes.txt --to otlp --ca-cert ca.pem",
    "export notes.txt --to otlp --endpoint localhost:4317 -o spans.jsonl",
    "export notes.txt --table all --output absent/tables",
    "export notes.txt --table all -o taken.md",
    "tb",
    "tb absent.zip",
    "tb empty-folder",
    "show notes.txt --open chrome",
    "capture",
    "capture one:8500 --server two:8500",
    "capture localhost",
    "capture localhost:8500 --duration 11s --ca-cert ca.pem",
    "capture localhost:8500 --duration 1ms",
    "capture localhost:8500 --duration soon",
    "capture localhost:8500 --host-tracer-level 9",
    "capture localhost:8500 --max-bytes 5GB",
    "capture localhost:8500 --gpu-rate 1000",
    "capture localhost:8500 --require gpus",
    "capture localhost:8500 --require metrics --metrics off",
    "capture localhost:8500 --require device-trace --no-device-trace",
    "capture localhost:8500 --require dcgm",
    "capture localhost:8500 --client-cert client.pem",
    "capture localhost:8500 --agent-ca-cert ca.pem",
    "capture localhost:8500 --agent localhost:9500 --agent-client-key key.pem",
    "capture localhost:8500 --headers-file absent.txt",
    "capture localhost:8500 --headers-file notes.txt",
    "capture localhost:8500 --metrics localhost:8501",
    "capture localhost:8500 --repository-root /traces",
    "capture localhost:8500 --repository-root /traces --repository-local absent",
    "capture localhost:8500 --timeout 0",
    "capture localhost:8500 -o - --format json",
    "capture localhost:8500 --batching-parameters parameters.txt",
    "capture localhost:8500 -o taken.md",
    "redact notes.txt -o absent/shared.zip",
    "ticket notes.txt --github acme",
    "ticket notes.txt --jira OPS-17",
    "ticket notes.txt --github acme/serving#17 --url http://example.com",
    "ticket notes.txt --webhook https://hooks.slack.com/services/T0/B0/hidden",
    "agent --listen nowhere",
    "agent --listen 0.0.0.0:9500",
    "agent --tls-cert agent.pem",
    "agent --token-file absent.txt",
    "agent --max-clients 100",
    "completion csh",
)


def help_text() -> str:
    """Every help page at 80 columns, one after the other."""
    return "\n".join(_said(f"{name} --help".strip()) for name in ("", *COMMANDS))


def error_text(folder: Path) -> str:
    """What each command of ``WRONG`` says, typed in a folder from ``prepare``."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return "\n".join(_said(line) for line in WRONG)
    finally:
        os.chdir(before)


def prepare(folder: Path) -> None:
    """Make the files that the commands name."""
    (folder / "empty.xplane.pb").touch()
    (folder / "notes.txt").write_text("These are notes.\n")
    (folder / "report.json.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (folder / "empty-folder").mkdir()
    for run in ("2026_11_22_10_00_00", "2026_11_22_11_00_00"):
        (folder / "logs" / "plugins" / "profile" / run).mkdir(parents=True)
        (folder / "logs" / "plugins" / "profile" / run / "server.xplane.pb").touch()
    (folder / "parameters.txt").write_text("max_batch_sise { value: 8 }\n")
    (folder / "taken.md").write_text("precious\n")


def _said(line: str) -> str:
    """The command, its output and its exit status, as in a terminal session."""
    out = io.StringIO()
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith("DIAG_")},
        "COLUMNS": str(WIDTH),
    }
    with (
        patch.dict(os.environ, environ, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        status = main(shlex.split(line))
    text = out.getvalue()
    return f"$ diag {line}\n{text}" + (f"(exit status {status})\n" if status else "")
