"""Which messages were sent to webhooks, which cannot tell: their hashes, in a private file."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from diag.errors import OutputError
from diag.formats.limits import MIB
from diag.formats.regular_file import read_regular

if TYPE_CHECKING:
    from pathlib import Path

KEPT_MAX: Final = 1_000


class Sent:
    """Hashes of the newest messages.

    Args:
        path: The file; made with its folder when the first message is added.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hashes: list[str] = []
        if path.exists():
            try:
                self._hashes = msgspec.json.decode(read_regular(path, MIB), type=list[str])
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._hashes = []  # at worst, a message is sent twice

    def has(self, digest: str) -> bool:
        """Whether a message was sent."""
        return digest in self._hashes

    def add(self, digest: str) -> None:
        """Remember a message.

        Raises:
            OutputError: The file cannot be written; the message is sent all the same.
        """
        self._hashes = [*self._hashes, digest][-KEPT_MAX:]
        temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(6)}.tmp")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(msgspec.json.encode(self._hashes))
            temporary.replace(self._path)
        except OSError as exc:
            raise OutputError(
                f"{self._path}: cannot be written, so the message may be sent again",
                cause=exc.strerror or str(exc),
            ) from exc
