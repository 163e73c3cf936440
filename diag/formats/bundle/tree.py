"""A set of named files to read from: a folder or a .zip, behind one small interface."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Protocol

from diag.errors import BundleCorruptError, InputError
from diag.formats.bundle.layout import UNFINISHED_SUFFIX
from diag.formats.regular_file import read_regular

# Deep enough for LOGDIR/a/b/plugins/profile/RUN/; bounds what a mistaken "/" costs.
_MAX_DEPTH = 7
_MAX_ENTRIES = 100_000


class Tree(Protocol):
    """Files by name ("/" between folders), each read whole up to a limit; nothing is written.

    Attributes:
        label: What messages call it: the path or URL that was given.
        location: Its absolute path, which tells whether it is inside ``plugins/profile/``.
    """

    label: str
    location: PurePosixPath

    def names(self) -> tuple[str, ...]:
        """Names of all files, sorted."""

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The content of one file.

        Raises:
            InputError: Unreadable, damaged, or larger than ``limit_bytes``.
        """

    def modified(self, name: str) -> float:
        """When the file was last changed, in seconds, comparable within this tree."""

    def close(self) -> None:
        """Release what is open."""


class FolderTree:
    """A folder on disk. Links that lead out of it, pipes and devices are not followed."""

    def __init__(self, path: Path) -> None:
        self.label = str(path)
        self._root = path.resolve()
        self.location = PurePosixPath(self._root)
        self._names = tuple(sorted(self._walk()))

    def _walk(self) -> list[str]:
        found: list[str] = []
        entries = 0
        for folder, folders, files in os.walk(self._root, onerror=self._refuse_unreadable):
            relative = Path(folder).relative_to(self._root)
            # A killed writer leaves such a folder; it is not a bundle.
            folders[:] = [name for name in folders if not name.endswith(UNFINISHED_SUFFIX)]
            entries += len(folders) + len(files)
            if entries > _MAX_ENTRIES:
                raise InputError(
                    f"{self.label}: holds more than {_MAX_ENTRIES:,} files",
                    hint="name the bundle, the run folder or the .xplane.pb file itself",
                )
            if len(relative.parts) >= _MAX_DEPTH:
                folders.clear()
            found.extend((relative / file).as_posix() for file in files)
        return found

    def _refuse_unreadable(self, error: OSError) -> None:
        # Folders further down may belong to others; a trace in them is reported as missing.
        if error.filename == str(self._root):
            raise InputError(f"{self.label}: cannot be read", cause=error.strerror or "") from error

    def names(self) -> tuple[str, ...]:
        """Names of all files, sorted."""
        return self._names

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The content of one file."""
        target = (self._root / name).resolve()
        if not target.is_relative_to(self._root):
            raise BundleCorruptError(
                f"{self.label}: {name} leads out of the folder",
                hint="name the file it leads to, if you trust it",
            )
        return read_regular(target, limit_bytes)

    def modified(self, name: str) -> float:
        """Modification time in unix seconds."""
        return (self._root / name).lstat().st_mtime

    def close(self) -> None:
        """Nothing is held open."""
