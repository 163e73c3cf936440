"""A process with a recorder inside, and the socket on which processes announce themselves."""

from __future__ import annotations

import select
import shutil
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from diag.errors import InputError, UsageError
from diag.formats.limits import STACKS_MAX_BYTES, TRACE_MAX_BYTES
from diag.formats.regular_file import read_regular

if TYPE_CHECKING:
    from pathlib import Path

_LINE_MAX_BYTES = 65536
# TensorFlow's own words: tsl/profiler/lib/profiler_lock.cc (2.21), profiler_session.cc (2.13).
_ALREADY_PROFILED = ("AlreadyExists", "Another profil")
# A trace of 1 GB is written in seconds.
_COLLECT_TIMEOUT_S = 120.0
_HELLO_TIMEOUT_S = 5.0
_Message = TypeVar("_Message", bound=msgspec.Struct)


class _Hello(msgspec.Struct):
    pid: int
    library: Literal["tensorflow", "jax"]
    version: str


class _Answer(msgspec.Struct):
    trace: str
    stacks: str
    error: str
    sent_unix_ns: int = 0
    received_unix_ns: int = 0


class ProgramRecording(msgspec.Struct, frozen=True):
    """What the recorder inside recorded.

    Attributes:
        xspace: The encoded trace; empty if there is none.
        stacks: ``diag/stacks.json``; empty if stacks were not sampled.
        sent_unix_ns: Wall clock just before the session began.
        received_unix_ns: Wall clock just after the trace was written.
    """

    xspace: bytes
    stacks: bytes
    sent_unix_ns: int
    received_unix_ns: int


class ProcessEndedError(Exception):
    """The process ended."""


class RecordingFailedError(Exception):
    """The process could not record; the text says why, as a part of a sentence about it."""

    def __init__(self, said: str) -> None:
        own = any(word in said for word in _ALREADY_PROFILED)
        what = (
            "it profiles itself, which leaves no room for another recording"
            if own
            else ("its recorder failed")
        )
        super().__init__(f"{what} ({said})")


class RecordedProcess:
    """One process of the program.

    Attributes:
        pid: As it says itself.
        library: Whose profiler records it, ``tensorflow`` or ``jax``.
        version: Of the library.
    """

    def __init__(self, connection: socket.socket, folder: Path) -> None:
        """Read who it is.

        Raises:
            ProcessEndedError: It ended, or does not speak as the recorder does.
        """
        self._connection = connection
        self._folder = folder
        self._recordings = 0
        connection.settimeout(_HELLO_TIMEOUT_S)
        self._file = connection.makefile("rb")
        hello = self._receive(_Hello)
        self.pid, self.library, self.version = hello.pid, hello.library, hello.version

    def record(
        self, duration_ns: int, level: int, *, device: bool, stacks: bool
    ) -> ProgramRecording:
        """Record once; ends early, with its data, when the program ends.

        Args:
            duration_ns: Length of the recording.
            level: Host tracer level, 1 to 3.
            device: Whether to trace GPUs.
            stacks: Whether to sample stacks.

        Raises:
            ProcessEndedError: The process ended without an answer.
            RecordingFailedError: The program profiles itself already, or its disk is full.
            InputError: The files that it wrote cannot be read.
        """
        self._recordings += 1
        folder = self._folder / f"{self.pid}-{self._recordings}"
        folder.mkdir(mode=0o700)
        request = {
            "duration_ns": duration_ns,
            "level": level,
            "device": device,
            "stacks": stacks,
            "folder": str(folder),
        }
        self._connection.settimeout(duration_ns / 1e9 + _COLLECT_TIMEOUT_S)
        try:
            self._connection.sendall(msgspec.json.encode(request) + b"\n")
        except OSError as exc:
            raise ProcessEndedError(str(exc)) from exc
        answer = self._receive(_Answer)
        if answer.error:
            raise RecordingFailedError(answer.error)
        trace = _read(answer.trace, folder, TRACE_MAX_BYTES)
        samples = _read(answer.stacks, folder, STACKS_MAX_BYTES)
        shutil.rmtree(folder, ignore_errors=True)
        return ProgramRecording(trace, samples, answer.sent_unix_ns, answer.received_unix_ns)

    def end_early(self) -> None:
        """End the recording that runs; ``record`` then returns what was recorded until now."""
        with suppress(OSError):
            self._connection.sendall(b"{}\n")

    def close(self) -> None:
        """Let go of the process; its recorder ends."""
        self._file.close()
        self._connection.close()

    def _receive(self, kind: type[_Message]) -> _Message:
        try:
            line = self._file.readline(_LINE_MAX_BYTES)
            return msgspec.json.decode(line, type=kind)
        except (OSError, msgspec.DecodeError) as exc:
            raise ProcessEndedError(str(exc)) from exc


def _read(path: str, folder: Path, limit_bytes: int) -> bytes:
    if not path:
        return b""
    found = folder.joinpath(path).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise InputError(f"{path}: outside the folder of the recording")
    return read_regular(found, limit_bytes)


class Announcements:
    """The private socket on which processes announce themselves."""

    def __init__(self, folder: Path) -> None:
        """Listen in a private folder.

        Raises:
            UsageError: The folder's path is too long for a socket.
        """
        self.path = folder / "recorder"
        self._folder = folder
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(self.path))
        except OSError as exc:
            self._listener.close()
            raise UsageError(
                f"no socket can be made in {folder}",
                cause=str(exc),
                hint="set TMPDIR to a folder with a short path",
            ) from exc
        self._listener.listen(64)

    def next(self, timeout_s: float) -> RecordedProcess | None:
        """The next process that announces itself, or None."""
        if not select.select([self._listener], [], [], timeout_s)[0]:
            return None
        connection, _ = self._listener.accept()
        try:
            return RecordedProcess(connection, self._folder)
        except ProcessEndedError:
            connection.close()
            return None

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()
