"""The Python functions that were seen, as a bundle names them."""

from __future__ import annotations

import os
import sys
import sysconfig
from types import CodeType

TEXT_MAX = 1024
_PACKAGES = ("/site-packages/", "/dist-packages/")
_OWN = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
_SPAWNED = "--multiprocessing-fork"
_GENERATED = "__autograph_generated_file"  # tensorflow/python/autograph/pyct/loader.py


class Functions:
    """Numbers functions in the order in which they are first seen."""

    def __init__(self) -> None:
        # The code object is kept, so that its id is not used again.
        self._seen: dict[int, tuple[int, CodeType]] = {}

    def index(self, code: CodeType) -> int:
        """The number of a function, from 0."""
        found = self._seen.get(id(code))
        if found is None:
            found = self._seen[id(code)] = len(self._seen), code
        return found[0]

    def described(self) -> list[dict[str, object]]:
        """File, name, first line and owner of each function; docs/bundle-format.md."""
        paths = Paths()
        return [
            {
                "file": _text(paths.shown(code.co_filename)),
                "function": _text(getattr(code, "co_qualname", code.co_name)),
                "first_line": max(0, code.co_firstlineno or 0),
                "is_user": paths.is_user(code.co_filename),
            }
            for _, code in self._seen.values()
        ]


class Paths:
    """Tells the program's files from those of Python and of installed packages."""

    def __init__(self) -> None:
        named = sysconfig.get_paths()
        self._library = tuple(
            os.path.join(named[name], "")  # noqa: PTH118
            for name in ("stdlib", "platstdlib")
        )
        self._scripts = os.path.join(named["scripts"], "")  # noqa: PTH118
        roots = {os.path.join(os.path.abspath(each), "") for each in sys.path}  # noqa: PTH100, PTH118
        self._roots = sorted({*roots, *self._library}, key=len, reverse=True)

    def shown(self, file: str) -> str:
        """The path from the folder that it was imported from."""
        for mark in _PACKAGES:
            if mark in file:
                return file.rpartition(mark)[2]
        for root in self._roots:
            if file.startswith(root):
                return file[len(root) :]
        return file

    def is_user(self, file: str) -> bool:
        """Whether it is the program's own; a console script belongs to its package."""
        if file == "<string>" and _SPAWNED in sys.orig_argv:
            return False  # the command line of multiprocessing.spawn
        if file.startswith(("<frozen", *self._library, self._scripts, _OWN)):
            return False
        if _GENERATED in file:
            return False
        return not any(mark in file for mark in _PACKAGES)


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode("utf-8")[:TEXT_MAX]
