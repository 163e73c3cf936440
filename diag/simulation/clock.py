"""Simulated time in integer nanoseconds, on SimPy's event loop.

A process is a generator that yields the SimPy event that it waits for. Events of the same instant
happen in the order in which they were scheduled.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from simpy import Environment, Event, Timeout

Result = TypeVar("Result")
Process = Generator[Event, Any, Result]


class Clock(Environment):
    """SimPy's environment, with integer nanoseconds only."""

    @property
    def now_ns(self) -> int:
        """The simulated time; a simulation starts at 0."""
        return int(self.now)

    def sleep(self, duration_ns: int) -> Timeout:
        """An event that happens after a time, in ns."""
        return self.timeout(duration_ns)

    def call_at(self, at_ns: int, action: Callable[[], None]) -> None:
        """Run an action at a time, or at once in the order of events if that time has passed."""
        event = self.timeout(max(0, at_ns - self.now_ns))
        event.callbacks.append(lambda _: action())

    def start(self, process: Process[None], at_ns: int = 0) -> None:
        """Start a process at a time, or now if that time has passed."""
        if at_ns <= self.now_ns:
            self.process(process)
        else:
            self.call_at(at_ns, lambda: self.start(process))
