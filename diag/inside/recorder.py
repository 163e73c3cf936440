"""The thread that records this process when ``diag run`` asks it to, over a socket.

One line of JSON a message. The process says who it is; each request is a recording, and gets one
answer::

    <- {"pid": 7, "library": "tensorflow", "version": "2.21.0"}
    -> {"duration_ns": 300000000, "level": 1, "device": true, "stacks": false, "folder": "/..."}
    <- {"trace": "/...", "stacks": "", "error": "", "sent_unix_ns": 1, "received_unix_ns": 2}
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from .document import open_private, write_stacks
from .sampler import StackSampler
from .session import Session, begin, is_ready, version_of

_POLL_S = 0.05
_CONNECT_TIMEOUT_S = 5.0
_END_TIMEOUT_S = 20.0


class Recorder:
    """Answers requests until the program or the launcher ends."""

    def __init__(self, library: str, address: str) -> None:
        self._library = library
        self._address = address
        self._ending = threading.Event()
        self._recording = threading.Lock()  # held from a request until its answer
        self._exit: Callable[[int], NoReturn] | None = None  # the real os._exit while it is held
        self._session: Session | None = None
        self._sampler: StackSampler | None = None
        self._launcher: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="diag-recorder", daemon=True)

    @property
    def thread_id(self) -> int:
        """Its thread, for samplers to leave out; 0 before it starts."""
        return self._thread.ident or 0

    def start(self) -> None:
        """Begin to wait for the library."""
        self._thread.start()

    def end(self) -> None:
        """The program ends: stop recording, keep what was recorded."""
        self._ending.set()
        if self._thread is not threading.current_thread() and self._recording.acquire(
            timeout=_END_TIMEOUT_S
        ):
            self._recording.release()

    def after_fork(self) -> None:
        """In a child: end the parent's session here, and offer to record the child."""
        self._restore_exit()
        if self._session is not None:
            self._session.abandon()
        if self._sampler is not None:
            self._sampler.restore_switch_interval()
        if self._launcher is not None:
            self._launcher.close()  # so that the launcher notices the end of the parent
        start(self._library, self._address)

    def _run(self) -> None:
        while not is_ready(self._library):
            if self._ending.wait(_POLL_S):
                return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as launcher:
                launcher.settimeout(_CONNECT_TIMEOUT_S)
                launcher.connect(self._address)
                launcher.settimeout(None)
                self._launcher = launcher
                self._serve(launcher)
        except OSError:
            return  # the launcher listens no more; the program goes on

    def _serve(self, launcher: socket.socket) -> None:
        version = version_of(self._library)
        _send(launcher, {"pid": os.getpid(), "library": self._library, "version": version})
        requests = launcher.makefile("r", encoding="utf-8")
        while not self._ending.is_set():
            if select.select([launcher], [], [], _POLL_S)[0]:
                with self._recording:
                    # After ``end``, Python may end. A thread that is in the profiler then ends the
                    # whole process with SIGABRT (TensorFlow 2.21, Python 3.11).
                    line = "" if self._ending.is_set() else requests.readline()
                    if not line:
                        return
                    request = json.loads(line)
                    if request:  # an empty one ends a recording that has ended already
                        _send(launcher, self._answer(launcher, request))

    def _answer(self, launcher: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"trace": "", "stacks": "", "error": ""}
        self._catch_exit()
        try:
            self._record(launcher, request, answer)
        except Exception as error:  # of the program's profiler; the program goes on
            answer["error"] = f"{type(error).__name__}: {error}"[:1000]
        finally:
            self._restore_exit()
        return answer

    def _record(
        self, launcher: socket.socket, request: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        own = {each.thread_id for each in _current.values()}
        sampler = StackSampler(own) if request["stacks"] else None
        answer["sent_unix_ns"] = time.time_ns()
        self._session = begin(
            self._library, request["folder"], request["level"], device=request["device"]
        )
        try:
            if sampler is not None:
                sampler.start()
                self._sampler = sampler
            self._wait(launcher, request["duration_ns"])
        finally:
            if self._sampler is not None:
                self._sampler.stop()
                self._sampler = None
            session, self._session = self._session, None
            answer["trace"] = session.finish()
        answer["received_unix_ns"] = time.time_ns()
        if sampler is not None:
            answer["stacks"] = os.path.join(request["folder"], "stacks.json")  # noqa: PTH118
            with open_private(answer["stacks"]) as file:
                write_stacks(sampler, file)

    def _catch_exit(self) -> None:
        """Let ``os._exit`` keep the recording first, as the end of the program does."""
        self._exit = leave = os._exit

        def leave_after_recording(status: int) -> NoReturn:
            self.end()
            leave(status)

        os._exit = leave_after_recording

    def _restore_exit(self) -> None:
        if self._exit is not None:
            os._exit, self._exit = self._exit, None  # type: ignore[assignment]

    def _wait(self, launcher: socket.socket, duration_ns: int) -> None:
        """Until the duration is over, the program ends, or the launcher says anything or ends."""
        end_ns = time.monotonic_ns() + duration_ns
        while not self._ending.is_set() and (left_ns := end_ns - time.monotonic_ns()) > 0:
            if select.select([launcher], [], [], min(_POLL_S, left_ns / 1e9))[0]:
                return


def _send(launcher: socket.socket, message: dict[str, Any]) -> None:
    launcher.sendall((json.dumps(message) + "\n").encode())


_current: dict[str, Recorder] = {}  # by library: each has a profiler of its own


def _after_fork() -> None:
    for recorder in tuple(_current.values()):
        recorder.after_fork()


def _at_exit() -> None:
    for recorder in _current.values():
        recorder.end()


def start(library: str, address: str) -> None:
    """Offer to record this process.

    Args:
        library: Whose profiler records: ``tensorflow`` or ``jax``.
        address: Path of the launcher's socket.
    """
    if not _current:
        os.register_at_fork(after_in_child=_after_fork)
        atexit.register(_at_exit)
    _current[library] = Recorder(library, address)
    _current[library].start()
