"""TensorBoard as a child process that ends with this one."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diag.errors import OutputError

# The profile plugin imports TensorFlow where it is installed: 6 s on an idle machine.
START_LIMIT_S = 120.0
STOP_LIMIT_S = 3.0
_ADDRESS = re.compile(rb"TensorBoard [\w.]+ at (http://\S+)")
_POLL_S = 0.1
_TAIL_BYTES = 2000


@contextmanager
def tensorboard(
    logdir: Path, host: str, port: int
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address and process of a TensorBoard, which is ended at the end.

    Args:
        logdir: Log directory.
        host: Address to listen on.
        port: Port, 0 for a free one.

    Raises:
        OutputError: It did not start; the cause is the end of what it wrote.
    """
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    # load_fast would start a second process, which reads event files; there are none.
    command += ["--host", host, "--port", str(port), "--load_fast", "false"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and options
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(process, log.fileno()), process
        finally:
            _stop(process)


def _address(process: subprocess.Popen[bytes], log: int) -> str:
    """What it prints when it listens."""
    path = Path(f"/proc/self/fd/{log}")
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        found = _ADDRESS.search(path.read_bytes())
        if found:
            return found[1].decode()
        time.sleep(_POLL_S)
    tail = path.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
    raise OutputError(
        "TensorBoard did not start",
        cause=tail.splitlines()[-1] if tail else f"exit status {process.poll()}",
        hint="choose another port with --port, or see what it says: python -m tensorboard.main "
        "--logdir .",
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
