"""Checks that the disk has space for a bundle before the server is profiled."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from diag.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Samples, metrics and manifest: everything in a bundle except the trace.
OTHER_PARTS_BYTES = 8_000_000


def size_text(size_bytes: int, digits: int = 3) -> str:
    """A size in decimal units, as ``--max-bytes`` takes them: ``2.1 MB``, ``85 bytes``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            rounded = float(f"{size_bytes / factor:.{digits}g}")
            return f"{rounded:,g} {unit}"
    return "1 byte" if size_bytes == 1 else f"{size_bytes} bytes"


def free_on_disk(folder: Path) -> int:
    """Bytes that can still be written in a folder."""
    return shutil.disk_usage(folder).free


def check_disk_space(
    output: Path, expected_bytes: int, free_bytes: Callable[[Path], int] = free_on_disk
) -> None:
    """Refuse to record if the bundle would not fit on the disk.

    Args:
        output: Path of the bundle.
        expected_bytes: Expected size of the trace; 0 if unknown.
        free_bytes: Returns the free bytes of a folder.

    Raises:
        OutputError: The disk has too little space.
    """
    folder = output.absolute().parent
    free, needed = free_bytes(folder), expected_bytes + OTHER_PARTS_BYTES
    if free < needed:
        raise OutputError(
            f"{output}: not enough disk space for the bundle",
            cause=f"free in {folder}: {size_text(free)}; needed: about {size_text(needed)}",
            hint="free some space, or choose another `output`",
            parameter="output",
        )
