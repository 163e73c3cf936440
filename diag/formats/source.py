"""open_bundle(): a bundle or a trace, from wherever it is, becomes a Capture."""

from __future__ import annotations

import io
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, TypeVar

from diag.errors import UsageError
from diag.formats.bundle.archive import TOTAL_MAX_BYTES
from diag.formats.bundle.contents import capture_from_bundle
from diag.formats.bundle.tree import FolderTree
from diag.formats.opened import read_file, read_tree
from diag.formats.regular_file import open_regular
from diag.formats.remote import is_url, read_url
from diag.formats.spool import copied
from diag.formats.text.batching_parameters import load_batching_parameters
from diag.formats.text.client_log import load_client_log
from diag.formats.trace.capture import capture_from_trace

if TYPE_CHECKING:
    from diag.formats.bundle.reader import Bundle
    from diag.formats.reading import Reading
    from diag.formats.text.batching_parameters import ParametersSource
    from diag.formats.text.client_log import LogSource
    from diag.model.capture import Capture

Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"

Result = TypeVar("Result")

_NO_NAME = "capture"


def open_bundle(
    source: Source,
    *,
    run: str | None = None,
    batching_parameters: ParametersSource | None = None,
    client_log: LogSource | None = None,
) -> Capture:
    """Read and decode a bundle or a bare trace.

    A bundle is a folder or .zip that ``diag capture`` wrote. A bare trace is an XSpace file of any
    name, a TensorBoard run folder or a TensorBoard log directory. What the source lacks is
    Unavailable with its reason.

    Args:
        source: A path; the bytes of a .zip or a trace; a binary file object, which is read to its
            end and not closed; or a URL such as ``s3://bucket/bundle.zip``, which needs the extra
            ``remote`` (fsspec).
        run: The run to read from a source with several, or ``newest``.
        batching_parameters: The server's batching_parameters_file: its path, its text, or its
            content. It replaces what the bundle recorded.
        client_log: What clients logged of their calls: path of a CSV or JSON lines file, or of
            OpenTelemetry spans as JSON (docs/analyze.md), or its content.

    Returns:
        The capture. Only the trace and the parts of one run are read.

    Raises:
        SourceNotFoundError: There is no such source, nothing to analyze in it, or no such run.
        BundleCorruptError: Manifest, checksum, archive or a part's content is not valid.
        BundleVersionError: A newer diag wrote the bundle.
        XSpaceDecodeError: The trace cannot be decoded.
        BatchingParametersError: ``batching_parameters`` are not valid.
        InputError: Not a regular file, too large, several runs and no ``run``, traces of several
            hosts in the run, or a ``client_log`` that cannot be read.
        UsageError: A URL and no fsspec, or a file object in text mode.
    """
    given = None if batching_parameters is None else load_batching_parameters(batching_parameters)
    log = None if client_log is None else load_client_log(client_log)
    capture = read_source(source, run, Decoding())
    if given is not None:
        capture = capture.with_batching_parameters(given)
    return capture if log is None else capture.with_client_log(log)


class Decoding:
    """A Capture of what is found."""

    def from_bundle(self, bundle: Bundle, name: str, where: str) -> Capture:
        """Of a bundle."""
        return capture_from_bundle(bundle, name, where)

    def from_trace(self, name: str, data: bytes, where: str) -> Capture:
        """Of a bare trace."""
        return capture_from_trace(name, data, where)


def read_source(source: Source, run: str | None, reading: Reading[Result]) -> Result:
    """Find the bundle or trace of a source, and make something of it.

    Args:
        source: As for ``open_bundle``.
        run: As for ``open_bundle``.
        reading: What to make of it.

    Raises:
        InputError: As for ``open_bundle``, and what ``reading`` raises.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return read_file(io.BytesIO(source), reading, f"{len(source):,} bytes", _NO_NAME, run)
    if isinstance(source, str) and is_url(source):
        return read_url(source, reading, run)
    if isinstance(source, (str, os.PathLike)):
        return _read_path(Path(source), run, reading)
    return _read_file(source, run, reading)


def _read_path(path: Path, run: str | None, reading: Reading[Result]) -> Result:
    if path.is_dir():
        return read_tree(FolderTree(path), reading, run)
    with open_regular(path) as file:
        location = PurePosixPath(path.resolve())
        return read_file(file, reading, str(path), path.name, run, location)


def _read_file(file: BinaryIO, run: str | None, reading: Reading[Result]) -> Result:
    _refuse_unlike_file(file)
    given = getattr(file, "name", "")
    given = given.strip("<>") if isinstance(given, str) else ""  # sys.stdin is "<stdin>"
    label = given or "the file object"
    with copied(file.read, TOTAL_MAX_BYTES, label) as copy:
        return read_file(copy, reading, label, PurePosixPath(given).name or _NO_NAME, run)


def _refuse_unlike_file(file: object) -> None:
    if hasattr(file, "read") and not isinstance(file, io.TextIOBase):
        return
    what = "a file in text mode" if hasattr(file, "read") else f"of type {type(file).__name__}"
    raise UsageError(
        f"the source is {what}",
        hint="pass a path, bytes, or a file opened with 'rb'",
        parameter="source",
    )
