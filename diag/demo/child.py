"""A process of ours: started, spoken to over its stdin and stdout, and always ended."""

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
    """A process that ends when its stdin is closed, as ours do, or else is made to.

    Args:
        module: Run with this interpreter, as by ``python -m``.
        arguments: Of it.
        log: A file for its stderr.
        defaults: Variables of its environment that ours does not set.
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
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**defaults, **os.environ},
                # A Ctrl-C is for us to handle: we end our children in order.
                start_new_session=True,
            )
        except BaseException:
            self._log.close()
            raise

    def send(self, line: str) -> None:
        """Writes one line to its stdin."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.write(line.encode() + b"\n")
            stdin.flush()

    def read_line(self, timeout_s: float) -> bytes:
        """One line, or b"" if the process ends or says nothing in time."""
        line: list[bytes] = []
        stdout = self._process.stdout
        if stdout is None:
            return b""
        reader = threading.Thread(target=lambda: line.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(timeout_s)
        return line[0] if line else b""

    def finish(self) -> bytes:
        """Closes stdin and returns the rest of stdout once the process has ended."""
        try:
            rest, _ = self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            rest, _ = self._process.communicate()
        finally:
            self._log.close()
        return rest

    def end(self) -> None:
        """Ends the process, however far it got."""
        if self._process.poll() is None:
            self._process.terminate()
        self.finish()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """What its log says last: an error of ours, or the last line."""
        text = self._log_path.read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        ours = [line[len("error:") :].strip() for line in lines if line.startswith("error:")]
        return (ours or lines or ["no message"])[-1]
