"""Check that the demo's dependencies are installed: TensorFlow is an extra."""

from __future__ import annotations

import importlib.util

from diag.errors import UsageError

_NEEDED = ("tensorflow", "tensorflow_serving")


def check_installed() -> None:
    """Look for the packages without importing them.

    Raises:
        UsageError: TensorFlow, or the protocols of TensorFlow Serving, are not installed.
    """
    for module in _NEEDED:
        if importlib.util.find_spec(module) is None:
            raise UsageError(
                f"diag demo needs {module}, which is not installed",
                cause="the extra 'demo' installs it",
                hint="in a checkout of diag: make demo, or: pip install '.[demo]'\n"
                "elsewhere: pip install 'tfserving-diag[demo]'",
            )
