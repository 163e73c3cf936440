"""Waits until the program repeats its work, by short recordings at tracer level 1."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from diag.capture.plan import MS
from diag.capture.program.recorded_process import ProcessEndedError, RecordingFailedError
from diag.formats.trace.event_names import EAGER_EXECUTE, JIT_FUNCTIONS
from diag.formats.trace.xspace import decode_space

if TYPE_CHECKING:
    from diag.capture.program.launch import Program
    from diag.capture.program.recorded_process import Announcements, RecordedProcess
    from diag.capture.progress import Progress
    from diag.model.events import Space

PROBE_LEVEL = 1
# Grows, so that a loop of one iteration a second is seen too.
_PROBE_NS = (300 * MS, 500 * MS, 1000 * MS, 2000 * MS, 4000 * MS)
_ANNOUNCED_S = 0.1
# Each eager op, tf.function, iterator step or jitted function that Python calls.
_CALLS = (EAGER_EXECUTE, *JIT_FUNCTIONS)
_TIMES_MIN = 2
_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}
_SILENT_S = 30.0


class ProgramWait:
    """Looks at all processes of the program in turn.

    Attributes:
        reason: Why nothing was recorded so far, for a message.
    """

    def __init__(self, program: Program, announced: Announcements, progress: Progress) -> None:
        self._program = program
        self._announced = announced
        self._progress = progress
        self._processes: dict[RecordedProcess, frozenset[str]] = {}
        self._rounds = 0
        self.reason = (
            "it ended before it imported TensorFlow or JAX, or its Python did not load the "
            "recorder (python -I, -E and -S ignore PYTHONPATH)"
        )

    def find(self) -> RecordedProcess | None:
        """The first process that repeats its work; None once the program has ended."""
        say_at_s = time.monotonic() + _SILENT_S
        while True:
            if time.monotonic() > say_at_s:
                self._progress.say(f"still waiting: {self._waiting_for()}")
                say_at_s = math.inf
            process = self._announced.next(0 if self._processes else _ANNOUNCED_S)
            if process is not None:
                name = _NAMES[process.library]
                self._progress.say(f"{name} {process.version} in process {process.pid}")
                self._processes[process] = frozenset()
                self.reason = "it ended before its work was seen to repeat"
            if self._program.has_ended():
                return None
            for each in tuple(self._processes):
                if self._repeats(each):
                    self._let_go_of_others(each)
                    return each
            self._rounds += bool(self._processes)

    def _let_go_of_others(self, chosen: RecordedProcess) -> None:
        for each in self._processes:
            if each is not chosen:
                each.close()

    def _waiting_for(self) -> str:
        if not self._processes:
            return "the program has imported neither TensorFlow nor JAX"
        return "no call of a model has been seen to repeat; the recording starts with traffic"

    def _repeats(self, process: RecordedProcess) -> bool:
        duration_ns = _PROBE_NS[min(self._rounds // 2, len(_PROBE_NS) - 1)]
        try:
            found = process.record(duration_ns, PROBE_LEVEL, device=False, stacks=False)
        except ProcessEndedError:
            self._processes.pop(process)
            process.close()
            return False
        except RecordingFailedError as exc:
            reason = str(exc)
            if self.reason != reason:
                self._progress.say(f"waiting: {reason}")
            self.reason = reason
            self._announced.next(duration_ns / 1e9)
            return False
        names = repeated_names(decode_space(found.xspace)) if found.xspace else frozenset()
        both = names & self._processes[process]
        self._processes[process] = names
        return bool(both)


def repeated_names(space: Space) -> frozenset[str]:
    """Names of calls from Python that occur at least twice."""
    repeated: set[str] = set()
    for plane in space.planes:
        counts = np.bincount(plane.events.name_id, minlength=len(plane.events.names))
        repeated.update(plane.events.names[each] for each in np.flatnonzero(counts >= _TIMES_MIN))
    return frozenset(name for name in repeated if name.startswith(_CALLS))
