"""How to open a request in a trace viewer, at its time."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import diag

VIEWERS = ("tensorboard", "perfetto")
_TENSORBOARD = "http://127.0.0.1:6006"


def say_how_to_open(
    analysis: diag.Analysis, source: str, run: str | None, request: int, viewer: str
) -> None:
    """Write commands and an address to stderr.

    Args:
        analysis: Of the source.
        source: As it was typed.
        run: The run that was chosen, if any.
        request: Row of the request table.
        viewer: One of ``VIEWERS``.
    """
    start_ns = int(analysis.requests.start_ns[request])
    end_ns = int(analysis.requests.end_ns[request])
    lines = (
        _in_perfetto(analysis, source, run, start_ns, end_ns)
        if viewer == "perfetto"
        else _in_tensorboard(source, run, start_ns, end_ns)
    )
    click.echo(f"\nTo open request {request} in {viewer}:", err=True)
    for line in lines:
        click.echo(f"  {line}", err=True)


def _in_perfetto(
    analysis: diag.Analysis, source: str, run: str | None, start_ns: int, end_ns: int
) -> tuple[str, ...]:
    from diag.tensorboard.viewers import perfetto_address

    earliest_ns = min(
        (
            int(plane.events.start_ns.min())
            for plane in analysis.capture.planes
            if len(plane.events)
        ),
        default=0,
    )
    shift_ns = max(0, -earliest_ns)  # as the file has no negative times
    file = f"{PurePosixPath(source).name.partition('.')[0] or 'capture'}.pftrace"
    chosen = f" --run {shlex.quote(run)}" if run else ""
    return (
        f"diag export {shlex.quote(source)}{chosen} --to perfetto -o {shlex.quote(file)}",
        perfetto_address(start_ns + shift_ns, end_ns + shift_ns),
        f"Then open {file} on that page: it selects the request.",
    )


def _in_tensorboard(source: str, run: str | None, start_ns: int, end_ns: int) -> tuple[str, ...]:
    from diag.tensorboard.log_directory import shown_as
    from diag.tensorboard.viewers import trace_viewer_path

    if not Path(source).exists():
        return ("Save SOURCE as a file first: TensorBoard reads files.",)
    name, host = shown_as(Path(source), run)
    return (
        f"diag tb {shlex.quote(source)}",
        _TENSORBOARD + trace_viewer_path(name, host, start_ns, end_ns),
    )
