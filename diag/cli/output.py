"""Results to a file or to stdout. A file is written completely or not at all."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diag.cli.option_groups import option
from diag.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STDOUT = Path("-")


output_option = option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="-",
    help="File to write. Default: '-', which is stdout.",
)
force_option = option("--force", is_flag=True, help="Replace the output file if it exists.")


def check_output(path: Path, *, force: bool) -> None:
    """Refuse what ``write_output`` would refuse, before any work is done.

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
            f"the folder of {path} does not exist", hint=f"mkdir -p {shlex.quote(str(path.parent))}"
        )


def check_folder(folder: Path, names: Sequence[str], *, force: bool) -> None:
    """Refuse what ``write_folder`` would refuse, before any work is done.

    Raises:
        OutputError: There is a file of that name, the folder above it does not exist, or it holds
            a file of one of the names and ``force`` is off.
    """
    if folder.is_dir():
        for name in names:
            check_output(folder / name, force=force)
    elif folder.exists():
        raise OutputError(f"{folder} is not a folder", hint="name a folder with -o")
    else:
        check_output(folder, force=force)


def write_folder(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write several results into a folder, which is made if it does not exist.

    Args:
        folder: Target.
        files: Content by file name.
        force: Replace existing files; others in the folder are kept.

    Raises:
        OutputError: A file exists and ``force`` is off, or the system refuses.
    """
    check_folder(folder, tuple(files), force=force)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as exc:
        raise _unwritable(folder, exc) from exc
    for name, data in files.items():
        write_output(folder / name, data, force=force)


def write_output(path: Path, data: str | bytes, *, force: bool = False) -> None:
    """Write the whole result at once, as ``write_chunks`` does; text is encoded as UTF-8."""
    raw = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    write_chunks(path, (raw,), force=force)


def write_chunks(path: Path, chunks: Iterable[bytes], *, force: bool = False) -> None:
    """Write a result piece by piece: to a temporary file in the same folder, then renamed.

    Args:
        path: Target; ``Path("-")`` is stdout. An existing special file (``/dev/null``, a pipe) is
            written to, not replaced.
        chunks: The content, in order.
        force: Replace an existing file.

    Raises:
        OutputError: It exists and ``force`` is off, or the system refuses.
    """
    if path == STDOUT:
        _write_stdout(chunks)
        return
    check_output(path, force=force)
    try:
        if _is_special(path):
            with path.open("wb") as file:
                file.writelines(chunks)
        else:
            _write_renamed(path, chunks)
    except OSError as exc:
        raise _unwritable(path, exc) from exc


def _is_special(path: Path) -> bool:
    """A device or a pipe: it exists, but is neither a file nor a folder."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"could not write {path}",
        cause=error.strerror or str(error),
        hint="name a place that exists and is writable",
    )


def _write_stdout(chunks: Iterable[bytes]) -> None:
    """Bytes as they are: what is written does not depend on the locale."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise OutputError("could not write to stdout", cause=exc.strerror or str(exc)) from exc


def _write_renamed(path: Path, chunks: Iterable[bytes]) -> None:
    """The temporary file is removed in any case; its mode is that of any new file (umask)."""
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
