"""Starts the program so that it loads the recorder, and leaves everything else of it alone."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

START_FOLDER = Path(__file__).parents[2] / "inside" / "start"
SOCKET_VARIABLE = "DIAG_RUN_SOCKET"
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_OF_TERMINALS = (signal.SIGINT, signal.SIGQUIT)
_ENDING = (signal.SIGTERM, signal.SIGHUP, *_OF_TERMINALS)
_SIGNALLED = 128  # as shells report a program that a signal ended
# Longest time that a signal waits for the recording. Kubernetes waits 30 s after SIGTERM by
# default, docker stop 10 s.
_SAVING_S = 5.0


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
        self._end_recording: Callable[[], None] | None = None
        self._waiting: list[int] = []
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
        for each in (*_FORWARDED, *_OF_TERMINALS):
            self._before.append((each, signal.signal(each, self._forward)))
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

    def how_it_ended(self, within_s: float) -> str:
        """``SIGKILL ended it``; ``it ended`` if no signal did, or if it still runs."""
        try:
            status = self._child.wait(within_s)
        except subprocess.TimeoutExpired:
            status = 0
        return f"{signal.Signals(-status).name} ended it" if status < 0 else "it ended"

    @contextmanager
    def recording(self, end_recording: Callable[[], None]) -> Iterator[None]:
        """Within it, a first signal that may end the program ends the recording, and waits for it.

        Args:
            end_recording: Makes the recording end early.
        """
        self._end_recording = end_recording
        try:
            yield
        finally:
            self._end_recording = None
            self._send_waiting()

    def _forward(self, number: int, frame: object) -> None:
        if number in _OF_TERMINALS and _is_in_foreground():
            return  # the terminal sends it to the program as well
        self._waiting.append(number)
        if self._end_recording is None or number not in _ENDING:
            self._send_waiting()
            return
        self._end_recording()
        self._end_recording = None  # a second signal does not wait
        limit = threading.Timer(_SAVING_S, self._send_waiting)
        limit.daemon = True
        limit.start()

    def _send_waiting(self) -> None:
        while self._waiting:
            number = self._waiting.pop(0)
            if not self.has_ended():
                self._child.send_signal(number)


def _is_in_foreground() -> bool:
    """Whether a terminal sends its signals to diag's process group, and so to the program."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


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
