"""``diag metrics``: what a server's metrics page says between two scrapes."""

from __future__ import annotations

from pathlib import Path

import click

import diag
from diag.cli.option_groups import GroupedCommand, argument, option, option_group
from diag.cli.options import examples, verbosity_options
from diag.cli.output import check_output, force_option, output_option, write_output
from diag.cli.quantities import Duration
from diag.errors import UsageError

_SECOND = 1_000_000_000
_DEFAULT_NS = 10 * _SECOND
_FILES_MAX = 2
_input_options = option_group(
    "Input",
    argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[BEFORE] [AFTER]"),
    option(
        "--url",
        metavar="URL",
        help="The server's Prometheus page, usually "
        "http://HOST:8501/monitoring/prometheus/metrics. It is read twice.",
    ),
    option(
        "--interval",
        type=Duration(),
        help="Time between the two. Of a URL: how long to wait, 10s by default. Of files: "
        "what lies between them; without it, there are no rates.",
    ),
    option(
        "--ca-cert",
        type=click.Path(path_type=Path),
        metavar="PEM",
        help="Certificate authority that signed the page's certificate.",
    ),
)
_output_options = option_group(
    "Output",
    output_option,
    force_option,
    option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Format of the series.",
    ),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag metrics --url http://localhost:8501/monitoring/prometheus/metrics",
        "diag metrics --url http://tfs.prod:8501/monitoring/prometheus/metrics --interval 1m",
        "diag metrics before.prom after.prom --interval 60s",
    ),
)
@_input_options
@_output_options
@verbosity_options
def metrics(
    files: tuple[Path, ...],
    url: str | None,
    interval: int | None,
    ca_cert: Path | None,
    output: Path,
    force: bool,
    format_: str,
) -> None:
    """Say what a server's metrics mean: rates, latency, queue, batches, per model.

    The page holds counters since the server's start; what happened between two scrapes is their
    difference. Give the page's URL, or two files with what it held; one file alone counts from
    the server's start.
    """
    check_output(output, force=force)
    if (url is None) == (not files):
        raise UsageError("give --url, or one or two files", hint="diag metrics --url URL")
    if len(files) > _FILES_MAX:
        raise UsageError("more than two files", hint="diag metrics BEFORE AFTER")
    if url is not None:
        load = diag.load_of_url(url, (interval or _DEFAULT_NS) / _SECOND, ca_cert=ca_cert)
    else:
        before = files[0] if len(files) == _FILES_MAX else None
        known = {} if interval is None else {"interval_s": interval / _SECOND}
        load = diag.load_of_files(before, files[-1], **known)
    write_output(output, diag.render_load(load, format_), force=force)
