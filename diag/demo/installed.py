"""Whether the demo can run at all: TensorFlow is an extra."""

from __future__ import annotations

import importlib.util

from diag.errors import UsageError

_NEEDED = ("tensorflow", "tensorflow_serving")


def check_installed() -> None:
    """Look before anything is started or written; imports nothing.

    Raises:
        UsageError: TensorFlow, or the protocols of TensorFlow Serving, are not installed.
    """
    for module in _NEEDED:
        if importlib.util.find_spec(module) is None:
            raise UsageError(
                f"diag demo needs {module}, which is not installed",
                cause="it comes with the extra named demo",
                hint="in a checkout of diag: make demo, or: pip install '.[demo]'\n"
                "beside an installed diag: pip install 'tfserving-diag[demo]'",
            )
