"""Optional packages: imported where they are used, with an error that says how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from diag.errors import UsageError


def import_extra(module: str, extra: str, purpose: str) -> Any:
    """Import an optional package.

    Args:
        module: Name to import, such as ``pandas``.
        extra: The extra of diag that installs it.
        purpose: What needs it, as the subject of a sentence.

    Raises:
        UsageError: It is not installed; the hint is the pip command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise UsageError(
            f"{purpose} needs {module.partition('.')[0]}, which cannot be imported",
            cause=str(exc),
            hint=f"pip install 'tfserving-diag[{extra}]'",
        ) from exc
