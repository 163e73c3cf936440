"""Checks that the disk has space for a bundle before the server is profiled."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from diag.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MB = 1e6
# Samples, metrics and manifest: everything in a bundle except the trace.
OTHER_PARTS_BYTES = 8_000_000


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
            cause=f"free in {folder}: {free / _MB:.3g} MB; needed: about {needed / _MB:.3g} MB",
            hint="free some space, or choose another `output`",
            parameter="output",
        )
