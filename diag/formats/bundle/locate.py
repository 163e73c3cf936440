"""Finding the trace to analyse in a folder or zip that holds one run, or many."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from diag.errors import InputError, SourceNotFoundError
from diag.formats.bundle.layout import MANIFEST, TRACE_SUFFIX, is_timestamped, is_trace
from diag.formats.trace.capture import WHAT_TO_NAME
from diag.model.availability import Caveat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.formats.bundle.tree import Tree

_SHOWN = 5


def bundle_prefix(tree: Tree, trace: str) -> str | None:
    """What the part names of the bundle around a trace begin with; None if there is no bundle."""
    prefix = trace[: max(0, f"/{trace}".rfind("/plugins/profile/"))]
    return prefix if prefix + MANIFEST in tree.names() else None


def find_trace(tree: Tree) -> tuple[str, tuple[Caveat, ...]]:
    """The trace of the newest run, and a caveat if there are other runs.

    Traces count where TensorBoard would find them (``…/plugins/profile/<run>/``), or directly in
    the tree, as in a run's own folder. Runs named by their time are ordered by name, others by
    when the trace was written.

    Raises:
        SourceNotFoundError: No trace in such a place.
        InputError: The run has traces of several hosts; it lists them.
    """
    runs: dict[str, list[str]] = {}
    traces = [name for name in tree.names() if name.endswith(TRACE_SUFFIX)]
    for name in traces:
        folder = str(PurePosixPath(name).parent)
        # The tree may itself be plugins/, profile/ or the run.
        if folder == "." or is_trace((tree.path.resolve() / name).as_posix()):
            runs.setdefault(folder, []).append(name)
    if not runs:
        raise _no_trace(tree, traces)
    newest = _newest(tree, runs)
    if len(runs[newest]) > 1:
        raise InputError(
            f"{tree.path / newest}: traces of {len(runs[newest])} hosts",
            cause=_shown(runs[newest]),
            hint="name one of these files",
        )
    return runs[newest][0], _others(newest, len(runs) - 1)


def _newest(tree: Tree, runs: dict[str, list[str]]) -> str:
    if all(is_timestamped(PurePosixPath(run).name) for run in runs):
        return max(runs, key=lambda run: (PurePosixPath(run).name, run))
    return max(runs, key=lambda run: (max(map(tree.modified, runs[run])), run))


def _others(run: str, others: int) -> tuple[Caveat, ...]:
    if not others:
        return ()
    label = PurePosixPath(run).name or "the run at the top"
    text = f"Only the newest run, {label}, was read; {others} other{'s' * (others > 1)} not."
    return (Caveat("other-runs", text),)


def _no_trace(tree: Tree, elsewhere: Sequence[str]) -> SourceNotFoundError:
    candidates = elsewhere or [name for name in tree.names() if name.endswith(".zip")]
    return SourceNotFoundError(
        f"{tree.path}: no trace in it",
        cause=f"only in another place: {_shown(candidates)}" if candidates else "",
        hint=f"name {'one of these files' if candidates else WHAT_TO_NAME}",
    )


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
