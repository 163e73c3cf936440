"""What the terminal can take: colour, width, and notes for those who asked for them."""

from __future__ import annotations

import os
import shutil
import sys
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

DEFAULT_WIDTH = 100
MIN_WIDTH = 60
MAX_WIDTH = 160
VERBOSITY_KEY = "diag.verbosity"


def wants_color(stream: IO[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to send ANSI colours to this stream.

    ``NO_COLOR`` (set and not empty) forbids, ``FORCE_COLOR`` demands, ``TERM=dumb`` forbids; else
    colour goes to terminals only. Source: https://no-color.org, https://force-color.org.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def output_width(stream: IO[str], environ: Mapping[str, str] = os.environ) -> int:
    """Columns to fill: ``COLUMNS``, else the terminal's, else 100; kept within 60 and 160."""
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


def note(text: str) -> None:
    """Say on stderr what is being done, with ``-v``."""
    if verbosity() >= 1:
        sys.stderr.write(f"{text}\n")


def hush_grpc(environ: MutableMapping[str, str] = os.environ) -> None:
    """Keep gRPC's own log off stderr, where only our lines belong; call before grpc is imported.

    Not with ``-vv``, nor for those who set gRPC's variables themselves. Source: doc/
    environment_variables.md of gRPC; the C core reads them once, when it is loaded.
    """
    if verbosity() < 2 and "GRPC_TRACE" not in environ:
        environ.setdefault("GRPC_VERBOSITY", "NONE")
