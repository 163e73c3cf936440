"""Report → text: one module a format, which registers itself when this package is imported.

>>> sorted(FORMATS)
['csv', 'json', 'markdown', 'text']
"""

from __future__ import annotations

import importlib
import pkgutil

from diag.report.formats.registry import (
    FORMATS,
    RenderOptions,
    ReportFormat,
    format_for,
    format_named,
    register,
)

__all__ = ["FORMATS", "RenderOptions", "ReportFormat", "format_for", "format_named", "register"]

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):  # those are loaded when they are needed
        importlib.import_module(f"{__name__}.{_module.name}")
