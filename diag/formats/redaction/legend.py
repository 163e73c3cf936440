"""The legend: which name each pseudonym stands for. It stays on the machine, for its owner."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from diag.errors import InputError, OutputError
from diag.formats.limits import PART_MAX_BYTES
from diag.formats.redaction.pseudonyms import LEGEND_MAX
from diag.formats.regular_file import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SALT_BYTES: Final = 32
_PRIVATE: Final = 0o600


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    salt: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    names: dict[str, str] = {}


@dataclass(slots=True)
class Legend:
    """A legend while it is in use; ``open_legend`` writes it back.

    Attributes:
        salt: Decides the pseudonyms; equal names get equal pseudonyms in all sources.
        names: By pseudonym; at most ``LEGEND_MAX``, the first of them.
    """

    salt: bytes
    names: dict[str, str] = field(default_factory=dict)

    def add(self, names: Mapping[str, str]) -> None:
        """Add names; beyond the limit they have pseudonyms, but no entry."""
        for pseudonym, name in names.items():
            if pseudonym in self.names or len(self.names) < LEGEND_MAX:
                self.names[pseudonym] = name


def default_legend() -> Path:
    """``$XDG_STATE_HOME/diag/legend.json``, where that is not set ``~/.local/state/…``."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "diag" / "legend.json"


@contextmanager
def open_legend(path: Path) -> Iterator[Legend]:
    """The legend of a file, made with a new salt if there is none; written when the block ends.

    Only the owner can read the file (mode 0600). Another process that uses it waits.

    Args:
        path: The file; the folder of ``default_legend`` is made, any other must exist.

    Raises:
        InputError: The file is no legend.
        OutputError: It cannot be written.
    """
    if path == default_legend():
        with _failures_named(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path):
        legend = _read(path) if path.exists() else Legend(secrets.token_bytes(SALT_BYTES))
        yield legend
        _write(path, legend)


def _read(path: Path) -> Legend:
    data = read_regular(path, PART_MAX_BYTES)
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InputError(
            f"{path}: not a legend of diag",
            cause=str(exc),
            hint="name another file with --legend; a new one is made",
        ) from exc
    return Legend(bytes.fromhex(document.salt), document.names)


def _write(path: Path, legend: Legend) -> None:
    document = _Document(legend.salt.hex(), dict(sorted(legend.names.items())))
    data = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    with _failures_named(path):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(temporary, flags, _PRIVATE), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time, by a lock on a file next to the legend."""
    lock = path.with_name(f".{path.name}.lock")
    with _failures_named(path):
        file = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise OutputError(
            f"{path}: the legend of the pseudonyms cannot be written",
            cause=exc.strerror or str(exc),
            hint="name a file in a folder of your own with --legend",
        ) from exc
