"""Whether the disk has room for a bundle, asked before the server is disturbed for one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from diag.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MB = 1e6
# Samples, metrics and manifest beside the trace.
OTHER_PARTS_BYTES = 8_000_000


def free_on_disk(folder: Path) -> int:
    """Bytes that may still be written there."""
    return shutil.disk_usage(folder).free


def check_disk_space(
    output: Path, expected_bytes: int, free_bytes: Callable[[Path], int] = free_on_disk
) -> None:
    """Refuse if a trace of the expected size finds no room.

    Args:
        output: The bundle to be.
        expected_bytes: Of its trace; 0 if unknown.
        free_bytes: Tells what is free in a folder.

    Raises:
        OutputError: There is too little.
    """
    folder = output.absolute().parent
    free, needed = free_bytes(folder), expected_bytes + OTHER_PARTS_BYTES
    if free < needed:
        raise OutputError(
            f"{output}: the disk has no room for the bundle",
            cause=f"{free / _MB:.3g} MB are free in {folder}, about {needed / _MB:.3g} MB needed",
            hint="free space there, or choose another place with -o",
        )
