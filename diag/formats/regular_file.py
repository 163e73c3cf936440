"""Reading regular files up to a limit; pipes and devices are refused."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING

from diag.errors import InputError, SourceNotFoundError

if TYPE_CHECKING:
    from pathlib import Path


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading. Pipes and devices are refused without blocking.

    Raises:
        SourceNotFoundError: There is no such file.
        InputError: It is not a regular file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise SourceNotFoundError(f"{path}: no such file", hint="check the path") from exc
    except (OSError, ValueError) as exc:
        raise InputError(f"{path}: cannot be opened", cause=str(exc)) from exc
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(
            f"{path}: not a regular file", hint="copy what it delivers into a file first"
        )
    return io.BufferedReader(io.FileIO(descriptor, "rb"))


def read_regular(path: Path, limit_bytes: int) -> bytes:
    """The whole content of a regular file.

    Raises:
        SourceNotFoundError: There is no such file.
        InputError: Not a regular file, unreadable, or larger than ``limit_bytes``.
    """
    with open_regular(path) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes > limit_bytes:
            raise InputError(
                f"{path}: {size_bytes:,} bytes, the limit is {limit_bytes:,}",
                hint="check that it is the file you meant; for a trace, capture a shorter window",
            )
        try:
            return file.read(size_bytes)
        except OSError as exc:
            raise InputError(f"{path}: cannot be read", cause=str(exc)) from exc
