"""Progress: how a capture reports what it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable


@runtime_checkable
class Progress(Protocol):
    """Receives reports while a capture runs, on the thread of the capture."""

    def say(self, text: str) -> None:
        """A step begins or has ended; one line of text."""

    def advance(self, done_ns: int, total_ns: int) -> None:
        """The recording has run for ``done_ns`` of ``total_ns``; called several times a second."""

    def advanced(self) -> None:
        """The recording has ended, completely or early."""


class NoProgress:
    """Ignores all reports."""

    def say(self, text: str) -> None:
        """Ignored."""

    def advance(self, done_ns: int, total_ns: int) -> None:
        """Ignored."""

    def advanced(self) -> None:
        """Ignored."""


class LineCallback(NoProgress):
    """Passes each line of text to a function and ignores the recording's advance."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Use a function, such as ``print``."""
        self._write = write

    def say(self, text: str) -> None:
        """Pass the line on."""
        self._write(text)


def as_progress(progress: Progress | Callable[[str], object] | None) -> Progress:
    """A Progress from what a caller passes: one, a function that takes lines, or None."""
    if progress is None:
        return NoProgress()
    return progress if isinstance(progress, Progress) else LineCallback(progress)
