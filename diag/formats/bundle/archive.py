"""Reading a .zip that may be hostile: nothing is unpacked to disk, and every size is bounded.

Refused are names that lead out of the archive, links, encrypted and duplicate entries, unusual
compression, too many entries, and contents that are too large or expand too much (zip bombs).
"""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from diag.errors import BundleCorruptError
from diag.formats.bundle.layout import is_safe_name
from diag.formats.limits import MIB, TRACE_MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePosixPath

ENTRIES_MAX = 4096
TOTAL_MAX_BYTES = 2 * TRACE_MAX_BYTES
# Deflate reaches at most 1032; traces reach about 15, metrics text 30, a file of zeros 1000.
RATIO_MAX = 250
RATIO_FREE_BYTES = 4 * MIB
_CHUNK_BYTES = MIB
# zipfile reads the central directory at once; 4096 entries with the longest names fit.
_READ_MAX_BYTES = 8 * MIB


class _BoundedReads(io.BufferedReader):
    """A file that refuses very large reads, which a hostile central directory causes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _READ_MAX_BYTES
        if size > _READ_MAX_BYTES:
            raise zipfile.BadZipFile(f"asks to read {size:,} bytes at once")
        return super().read(size)


class ZipTree:
    """The files of a .zip. All entries are checked on opening; files are read one by one.

    Args:
        file: Seekable and binary; closed with the tree.
        label: What messages call it.
        location: Its absolute path.

    Raises:
        BundleCorruptError: The zip is incomplete, or breaks a rule of this module.
    """

    def __init__(self, file: BinaryIO, label: str, location: PurePosixPath) -> None:
        self.label = label
        self.location = location
        self._file = _BoundedReads(cast("io.RawIOBase", file))
        try:
            with self._damage_named():
                self._zip = zipfile.ZipFile(self._file)
            self._entries = self._checked()
        except BaseException:
            self._file.close()
            raise

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        # Everything the standard library raises on broken or hostile zips.
        try:
            yield
        except (
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            EOFError,
            NotImplementedError,
            OSError,
            OverflowError,
            RuntimeError,
            ValueError,
        ) as exc:
            raise BundleCorruptError(
                f"{self.label}: not a whole zip",
                cause=str(exc),
                hint="copy or capture it again; a cut-off copy looks like this",
            ) from exc

    def _refuse(self, what: str) -> BundleCorruptError:
        return BundleCorruptError(
            f"{self.label}: {what}", hint="diag never writes such a zip; do not trust it"
        )

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > ENTRIES_MAX:
            raise self._refuse(f"{len(infos):,} entries, the limit is {ENTRIES_MAX:,}")
        if sum(info.file_size for info in infos) > TOTAL_MAX_BYTES:
            raise self._refuse(f"more than {TOTAL_MAX_BYTES:,} bytes when unpacked")
        entries: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            problem = _problem(info)
            if problem:
                raise self._refuse(f"entry {info.orig_filename[:200]!r} {problem}")
            if info.filename in entries:
                raise self._refuse(f"entry {info.filename!r} is there twice")
            entries[info.filename] = info
        return {name: info for name, info in sorted(entries.items()) if not info.is_dir()}

    def names(self) -> tuple[str, ...]:
        """Names of all files, sorted."""
        return tuple(self._entries)

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The content of one file; at most its declared size is unpacked."""
        info = self._entries[name]
        if info.file_size > limit_bytes:
            raise self._refuse(f"{name} has {info.file_size:,} bytes, the limit is {limit_bytes:,}")
        chunks = []
        with self._damage_named(), self._zip.open(info) as entry:
            while chunk := entry.read(_CHUNK_BYTES):
                chunks.append(chunk)
        return b"".join(chunks)

    def modified(self, name: str) -> float:
        """Modification time of the entry in seconds; a zip records no time zone."""
        stamp: Any = (*self._entries[name].date_time, 0, 0, -1)
        try:
            return time.mktime(stamp)
        except (OverflowError, ValueError):
            return 0.0

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()


def _problem(info: zipfile.ZipInfo) -> str:
    """What is wrong with an entry, or ""."""
    name = info.orig_filename
    if not is_safe_name(name[:-1] if name.endswith("/") else name):
        return "has a name that is not a plain path inside the zip"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or device"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in an unusual way"
    expands = info.file_size > RATIO_MAX * max(1, info.compress_size)
    if expands and info.file_size > RATIO_FREE_BYTES:
        return f"expands more than {RATIO_MAX} times"
    return ""
