"""A thread that reads something again and again beside the recording."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reader(Protocol):
    """Something that can be read at any time."""

    @property
    def source(self) -> str:
        """``host`` or ``gpu``."""

    @property
    def period_ns(self) -> int:
        """How often to read it."""

    @property
    def units(self) -> Mapping[str, str]:
        """Unit by field."""

    @property
    def missing(self) -> Mapping[str, str]:
        """Reason by field that cannot be read."""

    @property
    def detail(self) -> str:
        """What is read, in a few words."""

    def read(self) -> dict[str, Any]:
        """The fields of ``units``, now.

        Raises:
            OSError: It cannot be read any more.
        """

    def close(self) -> None:
        """Let go of it."""


class Sampler:
    """Reads one Reader from ``start`` to ``stop`` on a thread of its own.

    Attributes:
        read_max_ns: The longest a single reading took: how exactly a sample's time is known.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._samples: list[dict[str, Any]] = []
        self._stopping = threading.Event()
        self._closed = False
        self._failure = ""
        self._thread = threading.Thread(
            target=self._run, name=f"diag-{reader.source}-sampler", daemon=True
        )
        self.read_max_ns = 0

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def close(self) -> None:
        """End sampling, if it was begun, and let go of the reader; harmless when called again."""
        if self._closed:
            return
        self._closed = True
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._reader.close()

    def stop(self) -> SampleSeries | Unavailable:
        """End sampling; what was sampled, or why nothing was."""
        self.close()
        if not self._samples:
            return Unavailable(self._failure or "the window was shorter than one reading")
        reader = self._reader
        missing = dict(reader.missing)
        if self._failure:
            missing["samples"] = f"none after sample {len(self._samples)}: {self._failure}"
        return SampleSeries(
            reader.source, reader.period_ns, dict(reader.units), tuple(self._samples), missing
        )

    def _run(self) -> None:
        """Sample on a fixed grid, so that a slow reading does not shift all later ones."""
        due_ns = time.monotonic_ns()
        while True:
            before_ns = time.time_ns()
            try:
                fields = self._reader.read()
            except OSError as exc:
                self._failure = str(exc)
                return
            after_ns = time.time_ns()
            self.read_max_ns = max(self.read_max_ns, after_ns - before_ns)
            self._samples.append({"unix_ns": (before_ns + after_ns) // 2, **fields})
            now_ns = time.monotonic_ns()
            due_ns = max(due_ns + self._reader.period_ns, now_ns)
            if self._stopping.wait((due_ns - now_ns) / 1e9):
                return
