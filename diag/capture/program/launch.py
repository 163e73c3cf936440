"""Starts the program so that it loads the recorder, and leaves everything else of it alone."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

START_FOLDER = Path(__file__).parents[2] / "inside" / "start"
SOCKET_VARIABLE = "DIAG_RUN_SOCKET"
# A terminal sends SIGINT and SIGQUIT to the program as well; these only diag gets.
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_SIGNALLED = 128  # as shells report a program that a signal ended


class Program:
    """The running program; a context manager that passes signals on to it.

    Attributes:
        name: What messages and the bundle call it: no arguments, as they may hold secrets.
    """

    def __init__(self, command: Sequence[str], socket_path: Path) -> None:
        """Start it with this process's stdin, stdout, stderr and environment.

        Args:
            command: The program and its arguments.
            socket_path: Where the recorder inside connects to.

        Raises:
            UsageError: There is no such program, or it cannot be started.
        """
        self.name = program_name(command)
        paths = [str(START_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            SOCKET_VARIABLE: str(socket_path),
        }
        self._before: list[tuple[int, Any]] = []
        try:
            self._child = subprocess.Popen(list(command), env=environment)  # noqa: S603
        except OSError as exc:
            raise UsageError(
                f"{command[0]}: cannot be started",
                cause=exc.strerror or str(exc),
                hint="name the program as a shell would: diag run -- python serve.py",
            ) from exc

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def __enter__(self) -> Program:
        for each in _FORWARDED:
            self._before.append((each, signal.signal(each, self._forward)))
        for each in (signal.SIGINT, signal.SIGQUIT):
            self._before.append((each, signal.signal(each, lambda number, frame: None)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for its end, also after an error of diag: the program is not diag's to end."""
        self._child.wait()
        for number, handler in self._before:
            signal.signal(number, handler)

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._child.poll() is not None

    def status(self) -> int:
        """Wait for its end and return its exit status; 128 plus the signal that ended it."""
        status = self._child.wait()
        return status if status >= 0 else _SIGNALLED - status

    def _forward(self, number: int, frame: object) -> None:
        if not self.has_ended():
            self._child.send_signal(number)


def program_name(command: Sequence[str]) -> str:
    """``serve.py`` of ``python -u serve.py --key x``, ``server`` of ``python -m server``."""
    words = iter(command[1:])
    first = Path(command[0]).name
    if not first.startswith("python"):
        return first
    for word in words:
        if word == "-m":
            return next(words, first)
        if word == "-c":
            return first
        if word in ("-W", "-X"):
            next(words, None)
        elif not word.startswith("-"):
            return Path(word).name
    return first
