"""What the threads of a Python program ran, sampled on a fixed grid during a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.model.availability import Unavailable
from diag.model.events import Int32s, Int64s
from diag.model.samples import NOT_MEASURED, SamplerCost


@dataclass(frozen=True, slots=True)
class Frame:
    """A Python function; calls of C functions have no frame of their own.

    Attributes:
        file: Path of its source, relative to the folder that Python imported it from:
            ``serve.py``, ``queue.py``, ``keras/src/layers/layer.py``; the whole path if there is
            no such folder, ``<string>`` and the like if there is no file.
        function: Qualified name, such as ``Server.handle`` (bare before Python 3.11).
        first_line: Line number of its ``def``, from 1; 0 if it is not known.
        is_user: Whether it belongs to the program: neither to the standard library, nor to an
            installed package, nor to diag.
    """

    file: str
    function: str
    first_line: int
    is_user: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StackSamples:
    """One row a thread and tick of the grid, in order of time. All columns have shape (n,).

    The sampler needs Python's interpreter lock for a reading. While C code holds the lock, ticks
    pass without one; the next reading counts them in its ``weight``.

    Attributes:
        time_ns: int64, ns since the capture's origin. The sampled program is the one that was
            traced, and its clock the trace's.
        thread_id: int64, ``threading.get_ident()``; reused after a thread has ended.
        line_id: int64, ``Line.id`` of that thread in the trace (``formats.trace.thread_line``). A
            thread that recorded no event has no line.
        weight: int32, ticks of the grid that this row stands for, 1 if none was missed; times
            ``period_ns`` it is the time that the row stands for.
        cpu_ns: int64, CPU time of the thread since its previous row, -1 if it is not known, as in
            its first row.
        stack_id: int32, index into ``stacks``.
        stacks: Each as indices into ``frames``, outermost first; never empty.
        frames: The functions.
        period_ns: Time between two ticks, ns.
        cost: What sampling cost the program: readings, CPU time, and time from first to last.
        incomplete: Why sampling ended before the recording or left out threads; "" if it did not.
    """

    time_ns: Int64s
    thread_id: Int64s
    line_id: Int64s
    weight: Int32s
    cpu_ns: Int64s
    stack_id: Int32s
    stacks: tuple[tuple[int, ...], ...]
    frames: tuple[Frame, ...]
    period_ns: int
    cost: SamplerCost | Unavailable = NOT_MEASURED
    incomplete: str = ""

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def tick_ns(self) -> Int64s:
        """(n,) int64, the last tick of the grid that each row stands for, ns.

        A reading comes at its tick, or later where it had to wait for a core or for Python's lock.
        The earliest of all readings, counted in ticks, tells where the grid lies.
        """
        if not len(self):
            return self.time_ns
        times, first = np.unique(self.time_ns, return_index=True)
        passed = np.cumsum(self.weight[first], dtype=np.int64) * self.period_ns
        grid_ns = int((times - passed).min())
        return self.time_ns - (self.time_ns - grid_ns) % self.period_ns

    @property
    def reach_ns(self) -> Int64s:
        """(n,) int64, half a tick before the first tick that each row stands for, ns."""
        ticks = self.weight.astype(np.int64)
        return self.tick_ns - ticks * self.period_ns + self.period_ns // 2

    def __repr__(self) -> str:
        return f"StackSamples({len(self):,} samples, {len(self.frames):,} functions)"
