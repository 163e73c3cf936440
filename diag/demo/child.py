"""A child process with one line of input and output at a time, ended in any case."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STOP_TIMEOUT_S = 30.0
_SERVER_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


class Child:
    """A Python process that ends when its stdin is closed, or is killed after a timeout.

    Args:
        module: Module to run with this interpreter, as with ``python -m``.
        arguments: Its command line.
        log: File that receives its stderr.
        defaults: Environment variables for it, used where this process does not set them.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        log: Path,
        defaults: Mapping[str, str] = _SERVER_ENVIRONMENT,
    ) -> None:
        self._log_path = log
        self._log = log.open("wb")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the own interpreter and module
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**defaults, **os.environ},
                # Ctrl-C must reach the parent only: it ends its children in order.
                start_new_session=True,
            )
        except BaseException:
            self._log.close()
            raise

    def send(self, line: str) -> None:
        """Write one line to its stdin."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.write(line.encode() + b"\n")
            stdin.flush()

    def read_line(self, timeout_s: float) -> bytes:
        """Read one line of its stdout; b"" if the process ends or the timeout passes first."""
        line: list[bytes] = []
        stdout = self._process.stdout
        if stdout is None:
            return b""
        reader = threading.Thread(target=lambda: line.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(timeout_s)
        return line[0] if line else b""

    def finish(self) -> bytes:
        """Close its stdin, wait for its end, and return the rest of its stdout."""
        try:
            rest, _ = self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            rest, _ = self._process.communicate()
        finally:
            self._log.close()
        return rest

    def end(self) -> None:
        """Terminate the process if it still runs, and wait for its end."""
        if self._process.poll() is None:
            self._process.terminate()
        self.finish()

    @property
    def is_running(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def last_error(self) -> str:
        """The last error message in its log, else the last line of the log."""
        text = self._log_path.read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [line[len("error:") :].strip() for line in lines if line.startswith("error:")]
        return (errors or lines or ["no message"])[-1]
