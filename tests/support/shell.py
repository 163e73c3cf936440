"""``diag`` as a shell runs it, and what comes of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

# A capture of a server without metrics, as short as can be.
QUICK = ("--metrics", "off", "--no-warmup", "--duration", "100ms")


def diag(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GRPC_")}
    return subprocess.run(
        [sys.executable, "-m", "diag", *arguments],
        cwd=cwd,
        env={**inherited, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def listens() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def labels(stderr: str) -> list[str]:
    """The labels; the lines of a hint after its first are indented and have none."""
    return [line.split(":")[0] for line in stderr.splitlines() if not line.startswith("       ")]


def read_all(descriptor: int) -> str:
    """Everything written to a pseudo-terminal until its other side is closed."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # Linux answers EIO, not the end of file
            break
        if not part:
            break
        parts.append(part)
    os.close(descriptor)
    return b"".join(parts).decode()
