"""What was checked of a server, and how it went."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.Enum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"  # a capture works, and lacks something
    FAILURE = "failure"  # a capture would fail, or requests do
    UNKNOWN = "unknown"  # it cannot be seen from here


@dataclass(frozen=True, slots=True)
class Examined:
    """One check.

    Attributes:
        name: What was looked at.
        status: How it went.
        what: One sentence without its end mark.
        next_step: What to do, or a command; "" where nothing has to be done.
    """

    name: str
    status: Status
    what: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks of a server, in order.

    Attributes:
        server: Its address as it was given.
        took_ns: How long the checks took.
    """

    server: str
    checks: tuple[Examined, ...]
    took_ns: int

    @property
    def is_ready(self) -> bool:
        """Whether nothing failed: a capture would work, and the models serve."""
        return all(check.status is not Status.FAILURE for check in self.checks)
