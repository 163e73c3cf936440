"""``diag doctor``: what a capture of a server would find, without recording."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.capture_options import (
    address_options,
    agent_options,
    old_server_options,
    other_source_options,
    security_options,
)
from diag.cli.console import output_width, silence_grpc, wants_color
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import examples, verbosity_options
from diag.cli.output import STDOUT, write_output
from diag.cli.parameters import with_option_names
from diag.errors import CaptureError
from diag.model.printable import printable, readable

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLOURS = {"ok": "green", "warning": "yellow", "failure": "red", "unknown": "bright_black"}
_NAME_WIDTH = 14
# What a recording has and an examination does not need.
_NOT_RECORDED = {
    "duration": 2_000_000_000,
    "host_tracer_level": 2,
    "no_device_trace": False,
    "no_warmup": False,
    "max_bytes": 512_000_000,
    "allow_long": False,
    "wait_for_traffic": False,
    "wait_limit": 1_000_000_000,
    "timeout": 1_000_000_000,
    "collect_timeout": 1_000_000_000,
    "batching_parameters": None,
}
_output_options = option_group(
    "Output",
    option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Format of the checks on stdout.",
    ),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag doctor localhost:8500",
        "diag doctor tfs.prod:8500 --ca-cert ca.pem --model ranker",
        "diag doctor localhost:8500 --format json",
    ),
)
@address_options
@_output_options
@other_source_options
@agent_options
@security_options
@old_server_options
@verbosity_options
def doctor(**options: Any) -> None:
    """Check a server, and what a capture of it would find.

    Nothing is recorded or written: the server's status, metrics and profiler are only asked. It
    ends within five seconds, also when nothing answers. The exit status is 4 if a check failed,
    so that it can serve as a readiness check.
    """
    silence_grpc()
    from diag.cli.capture_plan import plan_from

    found = diag.examine(plan_from(options | _NOT_RECORDED))
    text = _as_json(found) if options["format_"] == "json" else "\n".join(_lines(found)) + "\n"
    write_output(STDOUT, text)
    if not found.is_ready:
        click.get_current_context().exit(CaptureError.exit_code)


def _lines(found: diag.Examination) -> Iterator[str]:
    """One check a paragraph: status, name, what was found, and the next step."""
    parameters = click.get_current_context().command.params
    colour, width = wants_color(sys.stdout), output_width(sys.stdout)
    for check in found.checks:
        status = check.status.value.ljust(8)
        styled = click.style(status, fg=_COLOURS[check.status.value]) if colour else status
        indent = " " * (len(status) + _NAME_WIDTH + 1)
        parts = [check.what, f"next: {check.next_step}" if check.next_step else ""]
        texts = [with_option_names(printable(part), parameters) for part in parts if part]
        wrapped = [
            line for text in texts for line in textwrap.wrap(text, max(width - len(indent), 30))
        ]
        yield f"{styled} {check.name.ljust(_NAME_WIDTH)}{wrapped[0]}"
        yield from (f"{indent}{line}" for line in wrapped[1:])


def _as_json(found: diag.Examination) -> str:
    parameters = click.get_current_context().command.params
    checks = [
        {
            "name": check.name,
            "status": check.status.value,
            "what": readable(check.what),
            "next": with_option_names(readable(check.next_step), parameters) or None,
        }
        for check in found.checks
    ]
    document = {
        "version": 1,
        "server": readable(found.server),
        "ready": found.is_ready,
        "took_ms": round(found.took_ns / 1e6, 1),
        "checks": checks,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
