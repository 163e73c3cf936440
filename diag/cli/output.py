"""Results to a file or to stdout: whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from diag.errors import OutputError

STDOUT = Path("-")


def check_output(path: Path, *, force: bool) -> None:
    """Refuse early what ``write_output`` would refuse late, before any work is done.

    Raises:
        OutputError: The file exists and ``force`` is off, or its folder does not.
    """
    if path == STDOUT:
        return
    try:
        is_folder, exists, is_special = path.is_dir(), path.exists(), _is_special(path)
        has_parent = path.absolute().parent.is_dir()
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    if is_folder:
        raise OutputError(f"{path} is a folder", hint="name a file with -o")
    if exists and not is_special and not force:
        raise OutputError(f"{path} exists", hint="choose another name, or replace it with --force")
    if not has_parent:
        raise OutputError(
            f"the folder of {path} does not exist", hint=f"mkdir -p {path.absolute().parent}"
        )


def write_output(path: Path, data: str | bytes, *, force: bool = False) -> None:
    """Write the whole result at once: to a temporary file beside ``path``, then renamed.

    Args:
        path: Target; ``Path("-")`` is stdout. An existing special file (``/dev/null``, a pipe) is
            written to, not replaced.
        data: Text is encoded as UTF-8.
        force: Replace an existing file.

    Raises:
        OutputError: It exists and ``force`` is off, or the system refuses.
    """
    raw = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    if path == STDOUT:
        _write_stdout(raw)
        return
    check_output(path, force=force)
    try:
        if _is_special(path):
            path.write_bytes(raw)
        else:
            _write_renamed(path, raw)
    except OSError as exc:
        raise _unwritable(path, exc) from exc


def _is_special(path: Path) -> bool:
    """A device or a pipe: there, but neither a file nor a folder."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"could not write {path}",
        cause=error.strerror or str(error),
        hint="name another file with -o, or leave it out to write to stdout",
    )


def _write_stdout(raw: bytes) -> None:
    """Bytes as they are, whatever the locale: a CSV must not depend on LANG."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise OutputError("could not write to stdout", cause=exc.strerror or str(exc)) from exc


def _write_renamed(path: Path, raw: bytes) -> None:
    """The temporary file is gone afterwards, whatever happens."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
