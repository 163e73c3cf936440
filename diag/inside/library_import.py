"""Starts a recorder when the program imports TensorFlow or JAX, and not before."""

from __future__ import annotations

import os
import sys

LIBRARIES = ("tensorflow", "jax")


class ImportWatch:
    """A finder that finds nothing: it only learns that a library is being imported."""

    def __init__(self) -> None:
        self._missing = set(LIBRARIES)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Start the library's recorder at its first import."""
        if name in self._missing:
            self._missing.discard(name)
            if not self._missing:
                forget(self)
            from .recorder import start

            start(name, os.environ["DIAG_RUN_SOCKET"])


def forget(watch: ImportWatch) -> None:
    """Stop watching."""
    if watch in sys.meta_path:
        sys.meta_path.remove(watch)


def watch() -> None:
    """Watch the imports of this process."""
    sys.meta_path.insert(0, ImportWatch())
