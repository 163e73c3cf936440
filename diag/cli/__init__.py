"""The command line: it parses options, calls the library and prints the result.

``main`` is the only place that turns an error into an exit status. Importing this package imports
click and nothing heavier; the module of a command is imported when the command runs.
"""

from __future__ import annotations

from diag.cli.boundary import main

__all__ = ["main"]
