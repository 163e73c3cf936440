"""``diag tb``: a recorded source in TensorBoard."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diag.cli.console import inform
from diag.cli.option_groups import GroupedCommand, argument, option, option_group
from diag.cli.options import examples, verbosity_options
from diag.errors import OutputError, UsageError

if TYPE_CHECKING:
    from types import FrameType

_source_options = option_group("Input", argument("source", type=click.Path(path_type=Path)))
_server_options = option_group(
    "Server",
    option(
        "--port",
        type=click.IntRange(0, 65535),
        default=6006,
        show_default=True,
        metavar="PORT",
        help="Port of TensorBoard; 0 for a free one.",
    ),
    option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        metavar="HOST",
        help="Address to listen on. TensorBoard has no password: leave it on this machine, and "
        "use ssh -L to reach it from another.",
    ),
)
_WHAT_TO_OPEN = (
    "  diag     the report: verdict, changes, idle time, with links into the trace viewer",
    "  Profile  the trace: choose the tool trace_viewer@ (the Overview is empty for servers)",
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag tb capture.zip",
        "diag tb logs --port 0",
    ),
)
@_source_options
@_server_options
@verbosity_options
def tb(source: Path, port: int, host: str) -> None:
    """Show a recorded source in TensorBoard, in the tabs diag and Profile.

    SOURCE is a bundle (folder or .zip), a *.xplane.pb file, or a TensorBoard run or log directory.
    It is linked or unpacked into a private temporary folder, as TensorBoard writes caches next to a
    trace; the folder is removed at the end. Ctrl-C ends it.
    """
    from diag.tensorboard.log_directory import log_directory
    from diag.tensorboard.server import tensorboard
    from diag.tensorboard_packages import problems, versions

    installed, found = versions(), list(problems())
    if found:
        raise UsageError("the installed TensorBoard cannot show profiles", hint="\n".join(found))
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupt)  # SIGINT too: a shell's job in the background ignores it
    with log_directory(source) as logs:
        inform("starting " + ", ".join(f"{name} {version}" for name, version in installed.items()))
        with tensorboard(logs, host, port) as (address, process):
            click.echo(f"{address}#diag")
            for line in _WHAT_TO_OPEN:
                inform(line)
            inform("Ctrl-C ends it.")
            with contextlib.suppress(KeyboardInterrupt):
                raise OutputError(f"TensorBoard ended by itself (exit status {process.wait()})")


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Both signals end the command in the same way, so that the folder is removed."""
    raise KeyboardInterrupt
