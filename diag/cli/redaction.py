"""The options ``--redact`` and ``--legend``, and a source without names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import diag
from diag.cli.console import verbosity
from diag.cli.option_groups import option, option_group

if TYPE_CHECKING:
    from typing import BinaryIO

legend_option = option(
    "--legend",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Legend of the pseudonyms, which only you can read; made if there is none. With the same "
    "legend, pseudonyms are the same. Default: diag/legend.json in $XDG_STATE_HOME or "
    "~/.local/state.",
)
redaction_options = option_group(
    "Redaction",
    option(
        "--redact",
        is_flag=True,
        help="Replace names of hosts, models, paths, ops and others by pseudonyms.",
    ),
    legend_option,
)


def redacted_source(
    source: str | Path | BinaryIO,
    legend: Path | None,
    *,
    run: str | None,
    batching_parameters: Path | None = None,
    client_log: Path | None = None,
) -> diag.RedactedSource:
    """A copy of the source without names; the legend has them, and stderr says where it is.

    Args:
        source: As for ``open_bundle``, and so are the next three.
        legend: None for the user's own.
        run: The run to read.
        batching_parameters: The server's file.
        client_log: What clients logged.

    Raises:
        InputError: The source or the legend cannot be used.
        OutputError: The legend cannot be written.
    """
    path = legend or diag.default_legend()
    with diag.open_legend(path) as opened:
        redacted = diag.redact(
            source,
            opened.salt,
            run=run,
            batching_parameters=batching_parameters,
            client_log=client_log,
        )
        opened.add(redacted.legend)
    if verbosity() >= 0:
        names = len(redacted.legend)
        told = f"{names:,} {'name is' if names == 1 else 'names are'} replaced"
        sys.stderr.write(f"{told}; {path} says which: keep it to yourself\n")
    return redacted
