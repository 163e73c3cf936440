"""From an opened file or a tree of files to the one bundle or trace in it."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from diag.errors import InputError, SourceNotFoundError
from diag.formats.bundle.archive import ZipTree
from diag.formats.bundle.layout import MANIFEST, TRACE_SUFFIX
from diag.formats.bundle.locate import NEWEST, bundle_prefix, find_trace
from diag.formats.bundle.reader import Bundle
from diag.formats.limits import TRACE_MAX_BYTES

if TYPE_CHECKING:
    from diag.formats.bundle.tree import Tree
    from diag.formats.reading import Reading

Result = TypeVar("Result")
_ZIP_MAGIC = b"PK"
_KNOWN_OTHERS = {
    b"\x1f\x8b": ("compressed with gzip", "unpack it with gunzip first"),
    b"{": ("JSON", "name the .xplane.pb file it was made from"),
}


def read_file(
    file: BinaryIO,
    reading: Reading[Result],
    label: str,
    name: str,
    run: str | None,
    location: PurePosixPath | None = None,
) -> Result:
    """Read a seekable file: a zip, or else a trace.

    Args:
        file: Binary, at its start.
        reading: What to make of it.
        label: Path or URL, for messages.
        name: File name.
        run: The run to read from a zip.
        location: Absolute path of the file, where it has one.
    """
    head = file.read(2)
    file.seek(0)
    if head == _ZIP_MAGIC or name.lower().endswith(".zip"):
        tree = ZipTree(file, label, location or PurePosixPath("/", name))
        try:
            return read_tree(tree, reading, run)
        finally:
            tree.close()
    _refuse_unlike_trace(label, head)
    if run not in (None, NEWEST):
        raise SourceNotFoundError(
            f"{label}: no run {run!r}", cause="it is a single trace", parameter="run"
        )
    return reading.from_trace(name.removesuffix(TRACE_SUFFIX), _read(file, label), label)


def read_tree(tree: Tree, reading: Reading[Result], run: str | None) -> Result:
    """Read a bundle, a run folder or a log directory."""
    is_bundle = MANIFEST in tree.names()
    if is_bundle and run in (None, NEWEST):
        return _from_bundle(tree, reading, "")
    trace = find_trace(tree, run)
    prefix = "" if is_bundle else bundle_prefix(tree, trace)
    if prefix is not None:
        return _from_bundle(tree, reading, prefix)
    data = tree.read(trace, TRACE_MAX_BYTES)
    # The run's folder; the tree's own where the trace is at its top.
    name = (tree.location / trace).parent.name
    return reading.from_trace(name, data, f"{tree.label}/{trace}")


def _from_bundle(tree: Tree, reading: Reading[Result], prefix: str) -> Result:
    where = f"{tree.label}/{prefix}".rstrip("/")
    name = PurePosixPath(prefix).name or tree.location.name
    return reading.from_bundle(Bundle(tree, prefix), name, where)


def _read(file: BinaryIO, label: str) -> bytes:
    size_bytes = file.seek(0, os.SEEK_END)
    if size_bytes > TRACE_MAX_BYTES:
        raise InputError(
            f"{label}: {size_bytes:,} bytes, the limit is {TRACE_MAX_BYTES:,}",
            hint="check that it is the file you meant; for a trace, capture a shorter window",
        )
    file.seek(0)
    try:
        return file.read()
    except OSError as exc:
        raise InputError(f"{label}: cannot be read", cause=exc.strerror or str(exc)) from exc


def _refuse_unlike_trace(label: str, head: bytes) -> None:
    if not head:
        raise SourceNotFoundError(f"{label}: an empty file", hint="capture again, or copy it again")
    for magic, (what, hint) in _KNOWN_OTHERS.items():
        if head.startswith(magic):
            raise InputError(f"{label}: {what}, not an XSpace", hint=hint)
