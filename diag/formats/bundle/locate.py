"""Finding the trace to analyze in a folder or zip that holds one or more runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from diag.errors import InputError, SourceNotFoundError
from diag.formats.bundle.layout import MANIFEST, TRACE_SUFFIX, is_timestamped, is_trace
from diag.formats.trace.capture import WHAT_TO_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.formats.bundle.tree import Tree

NEWEST = "newest"
_SHOWN = 5
_RUNS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Run:
    """A folder with the traces of one recording.

    Attributes:
        name: Name of the run's folder, ``2026_11_22_10_00_00`` when written by a profiler; with
            the folder of the bundle or log directory before it where there is one.
        folder: Folder in the tree, "." for the tree itself.
        traces: Names of the traces in the tree, one per host.
    """

    name: str
    folder: str
    traces: tuple[str, ...]

    def is_called(self, name: str) -> bool:
        """Whether this is the run's name, its bundle's folder, or the last part of the name."""
        bundle, _, run = self.name.rpartition("/")
        return name.rstrip("/") in {self.name, run, bundle} - {""}


def bundle_prefix(tree: Tree, trace: str) -> str | None:
    """The folder of the bundle that contains a trace, ending in "/"; None if there is no bundle."""
    prefix = trace[: max(0, f"/{trace}".rfind("/plugins/profile/"))]
    return prefix if prefix + MANIFEST in tree.names() else None


def find_trace(tree: Tree, run: str | None = None) -> str:
    """The trace of the only run, or of the run that was asked for.

    A trace counts where TensorBoard finds it (``.../plugins/profile/<run>/``), or at the top of
    the tree, as in a run's own folder.

    Args:
        tree: Folder or zip.
        run: Name of a run, or ``newest``. Runs that are all named by their time are ordered by
            name, others by the time their trace was written.

    Raises:
        SourceNotFoundError: There is no trace in such a place, or no run of this name.
        InputError: Several runs, and ``run`` is None or the name of several of them; or the run
            has traces of several hosts. The message lists them.
    """
    runs = runs_in(tree)
    chosen = _newest(tree, runs) if run == NEWEST else _only(tree, runs, run)
    if len(chosen.traces) > 1:
        raise InputError(
            f"{tree.label}/{chosen.folder}: traces of {len(chosen.traces)} hosts",
            cause=_shown(chosen.traces),
            hint="name one of these files",
        )
    return chosen.traces[0]


def runs_in(tree: Tree) -> list[Run]:
    """All runs of the tree, at least one, in order of their folders.

    Raises:
        SourceNotFoundError: There is no trace in a place where one counts.
    """
    found: dict[str, list[str]] = {}
    traces = [name for name in tree.names() if name.endswith(TRACE_SUFFIX)]
    for name in traces:
        folder = str(PurePosixPath(name).parent)
        # The tree may itself be plugins/, profile/ or the run.
        if folder == "." or is_trace((tree.location / name).as_posix()):
            found.setdefault(folder, []).append(name)
    if not found:
        raise _no_trace(tree, traces)
    return [Run(_name_of(tree, folder), folder, tuple(found[folder])) for folder in sorted(found)]


def _name_of(tree: Tree, folder: str) -> str:
    path = PurePosixPath(folder)
    above = path.parts[:-3] if path.parts[-3:-1] == ("plugins", "profile") else ()
    return "/".join((*above, path.name or tree.location.name))


def _only(tree: Tree, runs: list[Run], name: str | None) -> Run:
    matching = [run for run in runs if name is None or run.is_called(name)]
    if len(matching) == 1:
        return matching[0]
    names = _shown([run.name for run in runs], _RUNS_SHOWN)
    if name is not None and not matching:
        raise SourceNotFoundError(
            f"{tree.label}: no run {name!r}", cause=f"its runs: {names}", parameter="run"
        )
    raise InputError(
        f"{tree.label}: {len(matching)} runs" + (f" are called {name!r}" if name else ""),
        cause=_shown([run.name for run in matching], _RUNS_SHOWN),
        hint="name one with `run`, or read the newest:",
        parameter="run",
        retry={"run": NEWEST},
    )


def _newest(tree: Tree, runs: list[Run]) -> Run:
    if all(is_timestamped(PurePosixPath(run.folder).name) for run in runs):
        return max(runs, key=lambda run: (PurePosixPath(run.folder).name, run.folder))
    return max(runs, key=lambda run: (max(map(tree.modified, run.traces)), run.folder))


def _no_trace(tree: Tree, elsewhere: Sequence[str]) -> SourceNotFoundError:
    candidates = elsewhere or [name for name in tree.names() if name.endswith(".zip")]
    return SourceNotFoundError(
        f"{tree.label}: no trace in it",
        cause=f"only in another place: {_shown(candidates)}" if candidates else "",
        hint=f"name {'one of these files' if candidates else WHAT_TO_NAME}",
    )


def _shown(names: Sequence[str], limit: int = _SHOWN) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
