"""Reports: what an Analysis and its findings say, in the order in which it is read.

``build_report`` makes a ``Report`` (``model.py``) of sections, one module a topic in ``sections/``;
``formats`` writes it for a screen, a browser, a ticket or a program. ``wording`` turns codes and
facts into sentences. Names are imported when they are first used, so that listing the formats loads
no NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.report.build import build_report
    from diag.report.model import Report

__all__ = ["Report", "build_report"]

_MODULES = {"Report": "diag.report.model", "build_report": "diag.report.build"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
