"""Terminal settings: colour, width, verbosity, and gRPC's own log."""

from __future__ import annotations

import os
import shutil
import sys
from typing import IO, TYPE_CHECKING

import click

from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

DEFAULT_WIDTH = 100
MIN_WIDTH = 60
MAX_WIDTH = 160
VERBOSITY_KEY = "diag.verbosity"


def wants_color(stream: IO[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to send ANSI colours to this stream.

    ``NO_COLOR`` (set and not empty) turns colour off, else ``FORCE_COLOR`` turns it on, else
    ``TERM=dumb`` turns it off; without these variables only terminals get colour. Sources:
    https://no-color.org, https://force-color.org.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def output_width(stream: IO[str], environ: Mapping[str, str] = os.environ) -> int:
    """Width in columns: ``COLUMNS``, else the terminal's, else 100; limited to 60..160."""
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        width = int(columns)
    elif stream.isatty():
        width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    else:
        width = DEFAULT_WIDTH
    return max(MIN_WIDTH, min(MAX_WIDTH, width))


def verbosity() -> int:
    """-1 with ``-q``, 0 by default, 1 with ``-v``, 2 with ``-vv``; 0 outside a command."""
    context = click.get_current_context(silent=True)
    if context is None:
        return 0
    return int(context.meta.get(VERBOSITY_KEY, 0))


def inform(text: str) -> None:
    """Write a line to stderr unless ``-q`` was given."""
    if verbosity() >= 0:
        sys.stderr.write(f"{printable(text)}\n")


def note(text: str) -> None:
    """Write a line to stderr if ``-v`` was given."""
    if verbosity() >= 1:
        sys.stderr.write(f"{text}\n")


def silence_grpc(environ: MutableMapping[str, str] = os.environ) -> None:
    """Turn gRPC's own log on stderr off. Call it before grpc is imported.

    The log stays on with ``-vv``, and if gRPC's variables are set. Source: doc/
    environment_variables.md of gRPC; the C core reads them once, when it is loaded.
    """
    if verbosity() < 2 and "GRPC_TRACE" not in environ:
        environ.setdefault("GRPC_VERBOSITY", "NONE")
