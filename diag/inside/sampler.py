"""Samples the stacks of all Python threads on a fixed grid.

At Python's default switch interval of 5 ms a sampler is wrong where Python code holds the
interpreter lock: it gets the lock when the code releases it, so the time goes to whatever releases
it next. So the interval is 0.1 ms while sampling, the grid is kept after a late reading, and each
reading has the number of ticks it stands for.
"""

from __future__ import annotations

import sys
import threading
import time
from array import array
from itertools import chain, starmap, tee
from types import FrameType

from .functions import Functions

PERIOD_NS = 5_000_000
SWITCH_INTERVAL_S = 1e-4
# 64 MiB of JSON hold a million rows; each takes 36 bytes of memory.
ROWS_MAX = 500_000
STACKS_MAX = 20_000
DEPTH_MAX = 512


class StackSampler:
    """Samples from ``start`` to ``stop`` on a thread of its own.

    Attributes:
        rows: Columns by name: ``unix_ns``, ``thread_id``, ``weight``, ``cpu_ns``, ``stack_id``.
        stacks: Each as indices into the functions, outermost first.
        incomplete: Why it ended before ``stop``, or "".
        readings, cpu_ns, elapsed_ns: What it cost.
    """

    def __init__(self, skip: set[int], period_ns: int = PERIOD_NS, rows_max: int = ROWS_MAX):
        """Prepare.

        Args:
            skip: Threads to leave out; the sampler's own is added.
            period_ns: Time between two ticks.
            rows_max: Rows after which it ends.
        """
        self.rows = {name: array("q") for name in ("unix_ns", "thread_id", "cpu_ns")}
        self.rows |= {name: array("i") for name in ("weight", "stack_id")}
        self.stacks: list[tuple[int, ...]] = []
        self.functions = Functions()
        self.period_ns = period_ns
        self.incomplete = ""
        self.readings = self.cpu_ns = self.elapsed_ns = 0
        self._skip = skip
        self._switch_interval_s = sys.getswitchinterval()
        self._rows_max = rows_max
        self._stack_ids: dict[tuple[int, ...], int] = {}
        self._spent: dict[int, tuple[int, int]] = {}  # clock and its last value by thread
        self._stopping = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="diag-sampler", daemon=True)

    def start(self) -> None:
        """Start sampling."""
        self._stopping.acquire()
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling and restore the switch interval."""
        self._stopping.release()
        self._thread.join()

    def restore_switch_interval(self) -> None:
        """Undo the change of the switch interval, unless the program has changed it since."""
        if abs(sys.getswitchinterval() - SWITCH_INTERVAL_S) < 1e-6:
            sys.setswitchinterval(self._switch_interval_s)

    def _run(self) -> None:
        self._skip.add(threading.get_ident())
        self._switch_interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        try:
            self._sample()
        except Exception as error:  # the program goes on
            self.incomplete = f"{type(error).__name__}: {error}"[:1000]
        finally:
            self.restore_switch_interval()

    def _sample(self) -> None:
        cpu_ns, started_ns, last_tick = time.thread_time_ns(), time.monotonic_ns(), 0
        while not self.incomplete:
            due_ns = started_ns + (last_tick + 1) * self.period_ns
            wait_ns = max(0, due_ns - time.monotonic_ns())
            if self._stopping.acquire(timeout=wait_ns / 1e9):
                self._stopping.release()
                break
            tick = (time.monotonic_ns() - started_ns) // self.period_ns
            if tick > last_tick:
                self._read(int(tick - last_tick))
                last_tick = tick
                self.readings += 1
        self.cpu_ns = time.thread_time_ns() - cpu_ns
        self.elapsed_ns = time.monotonic_ns() - started_ns

    def _read(self, weight: int) -> None:
        now_ns = time.time_ns()
        frames = sys._current_frames()
        clocks = _cpu_clocks()
        for thread, frame in frames.items():
            if thread in self._skip:
                continue
            codes: list[int] = []
            inner: FrameType | None = frame
            while inner is not None and len(codes) < DEPTH_MAX:
                codes.append(self.functions.index(inner.f_code))
                inner = inner.f_back
            codes.reverse()
            self._add(now_ns, thread, weight, clocks.get(thread), tuple(codes))
        del frames
        if len(self._spent) > 4 * len(clocks) + 64:
            self._spent = {each: self._spent[each] for each in self._spent if each in clocks}

    def _add(
        self, now_ns: int, thread: int, weight: int, clock: int | None, stack: tuple[int, ...]
    ) -> None:
        if len(self.rows["unix_ns"]) >= self._rows_max:
            self.incomplete = f"sampling ended at its limit of {self._rows_max:,} samples"
            return
        stack_id = self._stack_ids.setdefault(stack, len(self.stacks))
        if stack_id == len(self.stacks):
            self.stacks.append(stack)
            if len(self.stacks) >= STACKS_MAX:
                self.incomplete = f"sampling ended at its limit of {STACKS_MAX:,} different stacks"
        self.rows["unix_ns"].append(now_ns)
        self.rows["thread_id"].append(thread)
        self.rows["weight"].append(weight)
        self.rows["cpu_ns"].append(self._cpu_since(thread, clock))
        self.rows["stack_id"].append(stack_id)

    def _cpu_since(self, thread: int, clock: int | None) -> int:
        """CPU time of a thread since its previous row; -1 if not known."""
        if clock is None:
            return -1
        try:
            now_ns = time.clock_gettime_ns(clock)
        except OSError:  # the thread has ended
            return -1
        before = self._spent.get(thread)
        self._spent[thread] = clock, now_ns
        return now_ns - before[1] if before and before[0] == clock else -1


def _cpu_clocks() -> dict[int, int]:
    """The CPU clock of each Python thread.

    ``pthread_getcpuclockid`` of a thread that has ended is undefined and may crash. All of this is
    one call into C, so the interpreter lock is held throughout: a thread that Python lists needs
    the lock to end. The clock itself has the thread's number in it; reading it later is safe.
    """
    idents, again = tee(chain.from_iterable(starmap(sys._current_frames, [()])))
    return dict(zip(idents, map(time.pthread_getcpuclockid, again), strict=True))
