"""Metrics and spans of ``diag export``: to a file, or to a collector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import diag
from diag.cli.capture_options import tls_parameters
from diag.cli.capture_plan import tls_of
from diag.cli.console import inform, silence_grpc
from diag.cli.option_groups import option, option_group
from diag.cli.output import STDOUT, write_chunks, write_output
from diag.cli.quantities import Duration
from diag.errors import UsageError

_SENDING = (
    "timeout",
    "tls",
    "ca_cert",
    "client_cert",
    "client_key",
    "authority",
    "headers_file",
)

collector_options = option_group(
    "Traces (--to otlp)",
    option(
        "--max-requests",
        type=int,
        metavar="N",
        help="Largest number of requests; of more, the slowest are exported. Default: 1000.",
    ),
    option(
        "--endpoint",
        metavar="HOST:PORT",
        help="Send the traces by OTLP over gRPC to this collector, usually on port 4317, instead "
        "of writing a file.",
    ),
    option(
        "--timeout",
        type=Duration(),
        help="Time allowed for each call, and as much again for retries. Default: 10s.",
    ),
    *tls_parameters,
    option(
        "--headers-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="File with gRPC metadata for the collector, one 'name: value' per line.",
    ),
)


def check_span_options(target: str | None, options: dict[str, Any]) -> None:
    """Refuse options that have no effect.

    Raises:
        UsageError: An option of spans is given without ``--to otlp``, or one of sending without
            ``--endpoint``, or a file and an endpoint are named.
    """
    if target not in diag.SPAN_FORMATS:
        for name in ("endpoint", "max_requests"):
            if options[name] is not None:
                raise UsageError(f"`{name}` needs --to otlp", parameter=name)
    if options["endpoint"] is None:
        for name in _SENDING:
            if options[name]:
                spelled = f"--{name.replace('_', '-')}"
                raise UsageError(f"{spelled} needs --endpoint", parameter=name)
    elif options["output"] != STDOUT:
        raise UsageError(
            "--endpoint excludes --output", hint="leave out one of them", parameter="endpoint"
        )


def write_metrics(analysis: diag.Analysis, format_: str, output: Path, *, force: bool) -> None:
    """Write metrics, and say what reads them."""
    write_output(output, diag.encode_metrics(analysis, format_), force=force)
    if output != STDOUT:
        inform(f"wrote {output}; it is for {diag.METRIC_FORMATS[format_].read_by}")


def write_spans(analysis: diag.Analysis, options: dict[str, Any]) -> None:
    """Write spans to a file, or send them, and say what is not among them."""
    limit = {} if options["max_requests"] is None else {"max_requests": options["max_requests"]}
    if options["endpoint"] is not None:
        _send_spans(analysis, options, limit)
        return
    output = options["output"]
    encoded = diag.encode_spans(analysis, **limit)
    write_chunks(output, encoded.chunks, force=options["force"])
    for sentence in encoded.left_out:
        inform(sentence)
    if output != STDOUT:
        inform(f"wrote {output}; it is for {diag.SPAN_FORMATS['otlp'].read_by}")


def _send_spans(analysis: diag.Analysis, options: dict[str, Any], limit: dict[str, int]) -> None:
    silence_grpc()
    timeout = {} if options["timeout"] is None else {"timeout_ns": options["timeout"]}
    # The variable DIAG_HEADERS holds credentials of the model server: they are not for a collector.
    headers = options["headers_file"]
    collector = diag.Collector(
        endpoint=options["endpoint"],
        tls=tls_of(options),
        authority=options["authority"],
        headers=() if headers is None else diag.read_headers(headers),
        **timeout,
    )
    sent = diag.send_spans(analysis, collector, **limit)
    for sentence in (*sent.left_out, *sent.warnings):
        inform(sentence)
    inform(f"sent {sent.spans:,} spans to {collector.endpoint}")
