"""The runs below a log directory, named as TensorBoard's profile plugin names them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from diag.errors import DiagError, SourceNotFoundError
from diag.formats.bundle.layout import MANIFEST, TRACE_SUFFIX, is_trace
from diag.formats.bundle.locate import bundle_prefix, runs_in
from diag.formats.bundle.tree import FolderTree

# A listing is used again for this long, so that polling does not walk the folder each time.
FRESH_S = 5.0
# How long a request waits for a walk; a large log directory is listed at a later one.
WAIT_S = 0.05


@dataclass(frozen=True, slots=True)
class Recording:
    """The trace of one host in one run.

    Attributes:
        run: Name of the run, as the profile plugin shows it: ``incident/2026_11_22_10_00_00``.
        host: Name of the trace's file without its suffix, as the profile plugin shows it.
        source: What to analyze: the folder of the bundle, or the trace.
        files: What the result depends on.
        is_bundle: Whether a manifest stands above the trace.
    """

    run: str
    host: str
    source: Path
    files: tuple[Path, ...]
    is_bundle: bool

    def listed(self) -> dict[str, Any]:
        """As JSON for the page."""
        return {"run": self.run, "host": self.host, "is_bundle": self.is_bundle}


def find_recordings(logdir: Path) -> tuple[Recording, ...]:
    """Every trace where the profile plugin looks for one, in order of run and host.

    Raises:
        DiagError: The folder cannot be read, or holds too many files.
    """
    tree = FolderTree(logdir)
    try:
        runs = runs_in(tree)
    except SourceNotFoundError:
        return ()
    found = [
        _recording(logdir, tree, run.name, trace)
        for run in runs
        for trace in run.traces
        if is_trace(trace)
    ]
    return tuple(sorted(found, key=lambda each: (each.run, each.host)))


def _recording(logdir: Path, tree: FolderTree, run: str, trace: str) -> Recording:
    host = PurePosixPath(trace).name.removesuffix(TRACE_SUFFIX)
    prefix = bundle_prefix(tree, trace)
    if prefix is None:
        return Recording(run, host, logdir / trace, (logdir / trace,), is_bundle=False)
    parts = PurePosixPath(MANIFEST).parent.as_posix() + "/"
    files = [name for name in tree.names() if name.startswith(prefix + parts)]
    return Recording(
        run, host, logdir / prefix, tuple(logdir / n for n in (trace, *files)), is_bundle=True
    )


class Listing:
    """The recordings of a log directory, walked on a thread of its own when they are asked for."""

    def __init__(self, logdir: Path) -> None:
        self._logdir = logdir
        self._lock = threading.Lock()
        self._walked = threading.Event()
        self._is_walking = False
        self._at_s = float("-inf")
        self._found: tuple[Recording, ...] = ()
        self._problem = ""

    def get(self) -> tuple[tuple[Recording, ...], str]:
        """What was found last, and why nothing can be found; waits at most ``WAIT_S``."""
        with self._lock:
            is_stale = time.monotonic() - self._at_s > FRESH_S
            if is_stale and not self._is_walking:
                self._is_walking = True
                self._walked.clear()
                threading.Thread(target=self._walk, name="diag-runs", daemon=True).start()
        self._walked.wait(WAIT_S)
        with self._lock:
            return self._found, self._problem

    def find(self, run: str, host: str) -> Recording | None:
        """The recording of exactly these names; names are compared, and never used as paths."""
        found, _ = self.get()
        return next((each for each in found if (each.run, each.host) == (run, host)), None)

    def _walk(self) -> None:
        found: tuple[Recording, ...] = ()
        problem = ""
        try:
            found = find_recordings(self._logdir) if self._logdir.is_dir() else ()
        except DiagError as exc:
            problem = str(exc)
        except OSError as exc:
            problem = f"{self._logdir}: {exc.strerror}"
        with self._lock:
            self._found, self._problem = found, problem
            self._at_s, self._is_walking = time.monotonic(), False
            self._walked.set()
