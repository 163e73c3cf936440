"""A bounded copy of a stream, so that it can be read from any place."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, cast

from diag.errors import InputError
from diag.formats.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK_BYTES = MIB


def copied(read: Callable[[int], bytes], limit_bytes: int, label: str) -> BinaryIO:
    """Copy a stream into an unnamed temporary file, which only this process can read.

    Args:
        read: Returns at most the given number of bytes, and none at the end.
        limit_bytes: The most that is copied.
        label: What messages call the stream.

    Returns:
        The copy, at its start; the caller closes it.

    Raises:
        InputError: The stream is longer, or cannot be read or copied.
    """
    with ExitStack() as on_failure:
        try:
            copy = on_failure.enter_context(tempfile.TemporaryFile())
            size_bytes = 0
            while chunk := read(_CHUNK_BYTES):
                size_bytes += len(chunk)
                if size_bytes > limit_bytes:
                    raise InputError(f"{label}: more than {limit_bytes:,} bytes")
                copy.write(chunk)
        except OSError as exc:
            raise InputError(f"{label}: cannot be read", cause=exc.strerror or str(exc)) from exc
        copy.seek(0)
        on_failure.pop_all()
        return cast("BinaryIO", copy)
