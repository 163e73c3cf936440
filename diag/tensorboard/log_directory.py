"""A private log directory with the runs of a source, in which TensorBoard may write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from diag.errors import OutputError, SourceNotFoundError
from diag.formats.bundle.archive import ZipTree
from diag.formats.bundle.layout import (
    MANIFEST,
    TRACE_FOLDER,
    TRACE_SUFFIX,
    is_trace,
    part_limit_bytes,
)
from diag.formats.bundle.locate import find_trace
from diag.formats.bundle.tree import FolderTree, Tree
from diag.formats.regular_file import open_regular, read_regular
from diag.formats.trace.capture import WHAT_TO_NAME

_ZIP_MAGIC = b"PK"
_PARTS = PurePosixPath(MANIFEST).parent.name


@contextmanager
def log_directory(source: Path) -> Iterator[Path]:
    """A folder that only this user can read, removed at the end.

    The profile plugin writes caches next to a trace, so the source itself is not given to it. Files
    of a folder are linked where that is possible, and copied elsewhere.

    Args:
        source: Folder or .zip of a bundle, a log directory, a run's folder, or a trace.

    Raises:
        InputError: There is no such source, or it cannot be read.
        SourceNotFoundError: There is no trace in it.
        OutputError: There is no room for a copy.
    """
    with TemporaryDirectory(prefix="diag-tb-", ignore_cleanup_errors=True) as name:
        target = Path(name)
        try:
            _fill(source, target)
        except OSError as exc:
            raise OutputError(
                f"could not copy {source} to {target}",
                cause=exc.strerror or str(exc),
                hint="set TMPDIR to a folder with room",
            ) from exc
        yield target


def shown_as(source: Path, run: str | None = None) -> tuple[str, str]:
    """Run and host under which the profile plugin shows a source in its ``log_directory``.

    Args:
        source: As of ``log_directory``.
        run: The run, or ``newest``, if there are several.

    Raises:
        InputError: There is no such source, no such run, or several and none is chosen.
    """
    with _opened(source) as tree:
        trace = find_trace(tree, run)
        placed = PurePosixPath(_places(tree)[trace])
    above = placed.parts[:-4]
    return "/".join((*above, placed.parent.name)), placed.name.removesuffix(TRACE_SUFFIX)


def _fill(source: Path, target: Path) -> None:
    with _opened(source) as tree:
        for name, place in _places(tree).items():
            path = target / place
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(tree, ZipTree):
                path.write_bytes(tree.read(name, part_limit_bytes(name)))
            else:
                _link(source, name, path)


@contextmanager
def _opened(source: Path) -> Iterator[Tree]:
    """The source as a tree; of a single trace, its folder without the other files."""
    if source.is_dir():
        yield FolderTree(source)
        return
    with open_regular(source) as file:
        is_zip = file.read(2) == _ZIP_MAGIC
        file.seek(0)
        if not is_zip:
            yield _SingleTrace(source)
            return
        tree = ZipTree(file, str(source), PurePosixPath(source.resolve()))
        try:
            yield tree
        finally:
            tree.close()


class _SingleTrace:
    """A trace as a tree: it counts as a run of its own name."""

    def __init__(self, path: Path) -> None:
        stem = path.name.removesuffix(TRACE_SUFFIX)
        self.label = str(path)
        self.location = PurePosixPath("/", stem)
        self._path = path
        self._name = f"{stem}{TRACE_SUFFIX}"

    def names(self) -> tuple[str, ...]:
        return (self._name,)

    def read(self, name: str, limit_bytes: int) -> bytes:
        return read_regular(self._path, limit_bytes)

    def modified(self, name: str) -> float:
        return self._path.stat().st_mtime

    def close(self) -> None:
        """Nothing is held open."""


def _places(tree: Tree) -> dict[str, str]:
    """Where traces and parts of bundles go in the log directory, by their name in the tree.

    Raises:
        SourceNotFoundError: There is no trace where one counts.
    """
    names = tree.names()
    bundles = {name.removesuffix(MANIFEST) for name in names if name.endswith(MANIFEST)}
    found: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if is_trace(name):
            found[name] = name
        elif path.name.endswith(TRACE_SUFFIX) and _is_run(tree, path):
            run = path.parent.name or tree.location.name
            found[name] = f"{TRACE_FOLDER}/{run}/{path.name}"
        elif path.parent.name == _PARTS and _above(path) in bundles:
            found[name] = name
    if not any(name.endswith(TRACE_SUFFIX) for name in found):
        raise SourceNotFoundError(f"{tree.label}: no trace in it", hint=f"name {WHAT_TO_NAME}")
    return found


def _is_run(tree: Tree, path: PurePosixPath) -> bool:
    """Whether a trace counts although it is not below ``plugins/profile`` of this tree."""
    return len(path.parts) == 1 or is_trace((tree.location / path).as_posix())


def _above(path: PurePosixPath) -> str:
    """The prefix of the bundle that a part belongs to, ending in "/" or empty."""
    above = path.parent.parent.as_posix()
    return "" if above == "." else f"{above}/"


def _link(source: Path, name: str, target: Path) -> None:
    """A hard link where the system permits one, else a copy; of regular files only.

    What leads out of the source is left out, as ``FolderTree`` does.
    """
    root = source.resolve()
    origin = root if root.is_file() else (root / name).resolve()
    if not origin.is_relative_to(root):
        return
    with open_regular(origin) as file:
        try:
            os.link(origin, target)
        except OSError:
            with target.open("xb") as copy:
                shutil.copyfileobj(file, copy)
