"""Pseudonyms: the same name has the same one wherever it is, and the salt decides which."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, Literal

# Neither vowels nor the letters of words that the analysis looks for in names, such as d2h and p2p.
_LETTERS: Final = "bcfgjkmnqrvwxz"
_CHARACTERS: Final = f"{_LETTERS}23456789"
LENGTH: Final = 10  # 44 bits: two of 100,000 names meet with a probability of 3 in 10,000
_LONG: Final = 20  # of a name whose short one another name has
# Beyond this number, names get pseudonyms and no entry in the legend.
LEGEND_MAX: Final = 500_000
NAME_MAX_CHARACTERS: Final = 1_000

Kind = Literal["host", "model", "signature", "path", "device", "op", "name"]


class Pseudonyms:
    """Gives names their pseudonyms, and remembers them for the legend."""

    def __init__(self, salt: bytes) -> None:
        """Start without names.

        Args:
            salt: Secret; with another one, all pseudonyms are others.
        """
        self._salt = salt
        self._by_name: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def of(self, name: str, kind: Kind = "name") -> str:
        """The pseudonym, such as ``model_k3fgx92bqw``.

        Args:
            name: What to hide; not empty.
            kind: What it names. A name keeps the kind with which it was asked for first.
        """
        found = self._by_name.get(name)
        if found is None:
            found = f"{kind}_{self._code(name, LENGTH)}"
            if self._names.get(found, name) != name:
                found = f"{kind}_{self._code(name, _LONG)}"
            self._by_name[name] = found
            if len(self._names) < LEGEND_MAX:
                self._names[found] = name[:NAME_MAX_CHARACTERS]
        return found

    def has(self, name: str) -> bool:
        """Whether the name was asked for."""
        return name in self._by_name

    def legend(self) -> dict[str, str]:
        """Names by pseudonym."""
        return dict(self._names)

    def _code(self, name: str, length: int) -> str:
        data = name.encode("utf-8", "surrogatepass")
        number = int.from_bytes(hmac.digest(self._salt, data, hashlib.sha256), "big")
        number, first = divmod(number, len(_LETTERS))
        code = _LETTERS[first]
        while len(code) < length:
            number, digit = divmod(number, len(_CHARACTERS))
            code += _CHARACTERS[digit]
        return code
