"""A clock that only moves when something is to happen, and processes that wait on it.

A process is a generator that yields what it waits for: a number of ns, or a ``Signal``.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeVar

Result = TypeVar("Result")
Process = Generator["int | Signal", None, Result]


class Clock:
    """Runs processes in the order of time; ties in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now_ns = 0
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._asked = 0

    def call_at(self, at_ns: int, action: Callable[[], None]) -> None:
        """Do something at a time, or now if that has passed."""
        self._asked += 1
        heapq.heappush(self._due, (max(at_ns, self.now_ns), self._asked, action))

    def start(self, process: Process[None], at_ns: int = 0) -> None:
        """Let a process begin at a time, or now if that has passed."""
        self.call_at(at_ns, lambda: self._resume(process))

    def run(self, until_ns: int) -> None:
        """Let everything happen that is due before a time."""
        while self._due and self._due[0][0] < until_ns:
            self.now_ns, _, action = heapq.heappop(self._due)
            action()

    def _resume(self, process: Process[None]) -> None:
        for wanted in process:
            if isinstance(wanted, Signal):
                if wanted.is_given:
                    continue
                wanted.then(lambda: self.call_at(self.now_ns, lambda: self._resume(process)))
            else:
                self.call_at(self.now_ns + wanted, lambda: self._resume(process))
            return


@dataclass
class Signal:
    """Something that happens once; giving it again does nothing."""

    is_given: bool = False
    _waiting: list[Callable[[], None]] = field(default_factory=list)

    def then(self, action: Callable[[], None]) -> None:
        """Do something once it is given."""
        self._waiting.append(action)

    def give(self) -> None:
        """It happens now."""
        if not self.is_given:
            self.is_given = True
            for action in self._waiting:
                action()


class Threads:
    """Numbered threads, lent to whoever came first."""

    def __init__(self, count: int) -> None:
        self._free = list(range(count))
        self._queue: deque[tuple[Signal, list[int]]] = deque()

    def take(self) -> Process[int]:
        """Wait for a thread; returns its number."""
        if not self._free:
            turn = Signal()
            given: list[int] = []
            self._queue.append((turn, given))
            yield turn
            return given[0]
        return heapq.heappop(self._free)

    def give(self, number: int) -> None:
        """Hand a thread back, or on to who waits for one."""
        if self._queue:
            turn, given = self._queue.popleft()
            given.append(number)
            turn.give()
        else:
            heapq.heappush(self._free, number)
