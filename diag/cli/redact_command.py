"""``diag redact``: a recorded source without the names in it, to hand on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from diag.cli.analysis import opened_source
from diag.cli.option_groups import GroupedCommand, option_group
from diag.cli.options import examples, source_options, verbosity_options
from diag.cli.output import STDOUT, check_output, force_option, output_option, write_output
from diag.cli.redaction import legend_option, redacted_source
from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = {True: ".zip", False: ".xplane.pb"}


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag redact capture.zip -o shared.zip",
        "diag redact server.xplane.pb -o shared.xplane.pb",
        "diag redact capture.zip -o shared.zip --legend case-17.json",
    ),
)
@source_options
@option_group("Output", output_option, force_option)
@option_group("Redaction", legend_option)
@verbosity_options
def redact(source: str, run: str | None, output: Path, force: bool, legend: Path | None) -> None:
    """Write a copy of a bundle or trace without the names in it.

    Names of hosts, models, signatures, paths, ops, threads and processes become pseudonyms, in the
    trace too. What stays: times, numbers, and the names of TensorFlow's and CUDA's own events. The
    analysis of the copy has the same numbers, and TensorBoard opens it.

    The legend says which name is behind a pseudonym. It stays on this machine. SOURCE is the same
    as for diag analyze, and only read.
    """
    check_output(output, force=force)
    if output == STDOUT and sys.stdout.isatty():
        raise UsageError(
            "a bundle on stdout would write binary data to the terminal",
            retry={"output": "redacted.zip"},
        )
    redacted = redacted_source(opened_source(source), legend, run=run)
    suffix = _SUFFIXES[redacted.is_bundle]
    other = _SUFFIXES[not redacted.is_bundle]
    if output.name.endswith(other):
        kind = "a bundle" if redacted.is_bundle else "a bare trace"
        raise UsageError(
            f"the copy is {kind}, and {output} has the suffix of the other",
            retry={"output": f"{output.name.removesuffix(other)}{suffix}"},
        )
    write_output(output, redacted.data, force=force)
