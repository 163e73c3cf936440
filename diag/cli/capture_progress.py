"""Progress of a capture on stderr: a bar on a terminal, else lines; nothing with ``-q``."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

import diag
from diag.cli.console import wants_color
from diag.model.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

LINE_EVERY_NS = 5_000_000_000


def choose_progress(verbosity: int, stream: IO[str] | None = None) -> diag.Progress:
    """The progress for this terminal and this verbosity.

    Args:
        verbosity: Below 0 for none.
        stream: Default: stderr.
    """
    stream = stream or sys.stderr
    if verbosity < 0:
        return SilentProgress()
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return BarProgress(stream)
    return LineProgress(stream)


class SilentProgress:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Ignored."""

    def advance(self, done_ns: int, total_ns: int) -> None:
        """Ignored."""

    def advanced(self) -> None:
        """Ignored."""


class LineProgress:
    """Progress as lines, for logs and pipes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._said_ns = 0

    def say(self, text: str) -> None:
        """Write a line and flush it, so that a log has it at once."""
        self._stream.write(f"{printable(text)}\n")
        self._stream.flush()

    def advance(self, done_ns: int, total_ns: int) -> None:
        """Write a line every 5 s."""
        if done_ns - self._said_ns >= LINE_EVERY_NS and done_ns < total_ns:
            self._said_ns = done_ns
            self.say(f"recording: {done_ns / 1e9:.0f} of {total_ns / 1e9:g} s")

    def advanced(self) -> None:
        """Do nothing: lines need no removal."""


class BarProgress:
    """Progress as lines, with a bar while the server records."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._bar: RichProgress | None = None

    def say(self, text: str) -> None:
        """Write a line, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(printable(text), markup=False, highlight=False)
            return
        self._stream.write(f"{printable(text)}\n")
        self._stream.flush()

    def advance(self, done_ns: int, total_ns: int) -> None:
        """Draw the bar. It stays full while the server sends the trace."""
        if self._bar is None:
            self._bar = _new_bar(self._stream)
            self._bar.add_task("recording", total=total_ns)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=min(done_ns, total_ns))

    def advanced(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _new_bar(stream: IO[str]) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=stream, no_color=not wants_color(stream), highlight=False)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
