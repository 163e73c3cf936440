"""Starts the recorder when the program imports TensorFlow, and not before."""

from __future__ import annotations

import os
import sys


class ImportWatch:
    """A finder that finds nothing: it only learns that ``tensorflow`` is being imported."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Start the recorder at the first import of TensorFlow."""
        if name == "tensorflow":
            forget(self)
            from .recorder import start

            start(os.environ["DIAG_RUN_SOCKET"])


def forget(watch: ImportWatch) -> None:
    """Stop watching."""
    if watch in sys.meta_path:
        sys.meta_path.remove(watch)


def watch() -> None:
    """Watch the imports of this process."""
    sys.meta_path.insert(0, ImportWatch())
