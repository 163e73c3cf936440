"""Progress: how a capture tells what it is doing; the command line shows it on stderr."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a capture reports while it runs."""

    def say(self, text: str) -> None:
        """A step begins; one line."""

    def advance(self, done_ns: int, total_ns: int) -> None:
        """So much of the recording has passed; called several times a second."""

    def advanced(self) -> None:
        """The recording has ended, early or not."""


class NoProgress:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Ignored."""

    def advance(self, done_ns: int, total_ns: int) -> None:
        """Ignored."""

    def advanced(self) -> None:
        """Ignored."""
