"""Sources behind a URL, read with fsspec: a file, or a folder of files."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from diag.errors import DiagError, InputError, SourceNotFoundError, UsageError
from diag.extras import import_extra
from diag.formats.bundle.archive import ENTRIES_MAX, TOTAL_MAX_BYTES
from diag.formats.opened import read_file, read_tree
from diag.formats.spool import copied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.reading import Reading

Result = TypeVar("Result")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(?:::[^/]*)?://")
_MAX_DEPTH = 7


def is_url(source: str) -> bool:
    """Whether this is a URL such as ``s3://...`` and not a path."""
    return _URL.match(source) is not None


def read_url(
    url: str, reading: Reading[Result], run: str | None, max_bytes: int = TOTAL_MAX_BYTES
) -> Result:
    """Read a bundle or trace behind a URL.

    Credentials come from fsspec's own configuration; messages leave out what a URL may hold of
    them (user, password and query).

    Args:
        url: What fsspec can open.
        reading: What to make of it.
        run: As for ``open_bundle``.
        max_bytes: The most bytes that are downloaded of one file.

    Raises:
        UsageError: fsspec, or the package that fsspec needs for this protocol, is not installed.
        SourceNotFoundError: There is nothing at the URL.
        InputError: It cannot be read, or is larger than a bundle may be.
    """
    fsspec = import_extra("fsspec", "remote", "a URL as source")
    label = without_secrets(url)
    with _failures_named(label):
        filesystem, path = fsspec.core.url_to_fs(url)
        is_folder = filesystem.isdir(path)
    if is_folder:
        return read_tree(RemoteTree(filesystem, path, label), reading, run)
    with _failures_named(label), filesystem.open(path, "rb") as file:
        copy = copied(file.read, max_bytes, label)
    with copy:
        location = PurePosixPath("/", path)
        return read_file(copy, reading, label, location.name, run, location)


def without_secrets(url: str) -> str:
    """The URL without user, password, query and fragment."""
    scheme, separator, rest = url.partition("://")
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


class RemoteTree:
    """The files of a folder on an fsspec filesystem."""

    def __init__(self, filesystem: Any, path: str, label: str) -> None:
        self.label = label.rstrip("/")
        self.location = PurePosixPath("/", path)
        self._filesystem = filesystem
        self._root = path.rstrip("/")
        with _failures_named(label):
            found = filesystem.find(self._root, maxdepth=_MAX_DEPTH, detail=True)
        if len(found) > ENTRIES_MAX:
            raise InputError(
                f"{label}: holds more than {ENTRIES_MAX:,} files",
                hint="name the bundle, the run folder or the .xplane.pb file itself",
            )
        self._files = {
            name.removeprefix(self._root).lstrip("/"): info for name, info in sorted(found.items())
        }

    def names(self) -> tuple[str, ...]:
        """Names of all files, sorted."""
        return tuple(self._files)

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The content of one file."""
        with (
            _failures_named(f"{self.label}/{name}"),
            self._filesystem.open(f"{self._root}/{name}", "rb") as file,
        ):
            data: bytes = file.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise InputError(f"{self.label}/{name}: more than {limit_bytes:,} bytes")
        return data

    def modified(self, name: str) -> float:
        """Modification time in unix seconds, 0 where the filesystem does not give it."""
        # The keys of the local, S3 and GCS filesystems; the types differ as well.
        info = self._files[name]
        stamp = info.get("mtime") or info.get("LastModified") or info.get("updated")
        if isinstance(stamp, str):
            with suppress(ValueError):
                stamp = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        if isinstance(stamp, datetime):
            return stamp.timestamp()
        return float(stamp) if isinstance(stamp, (int, float)) else 0.0

    def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def _failures_named(label: str) -> Iterator[None]:
    try:
        yield
    except DiagError:
        raise
    except FileNotFoundError as exc:
        raise SourceNotFoundError(f"{label}: no such file", hint="check the URL") from exc
    except ImportError as exc:
        raise UsageError(
            f"{label}: a package for this kind of URL is missing", cause=str(exc)
        ) from exc
    except Exception as exc:  # each fsspec backend raises errors of its own
        raise InputError(f"{label}: cannot be read", cause=_first_line(exc)) from exc


def _first_line(exc: Exception) -> str:
    lines = str(exc).splitlines()
    return (lines[0] if lines else type(exc).__name__)[:300]
