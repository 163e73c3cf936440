"""The command line: words in, the library called, text out.

``main`` is the only place that turns an error into an exit status. Importing this package imports
click and nothing heavier; a command's module is imported when the command runs.
"""

from __future__ import annotations

from diag.cli.boundary import main

__all__ = ["main"]
