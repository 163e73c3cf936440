"""``diag capture``: from a running server to a bundle and a report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

import diag
from diag.cli.analysis import AnalysisOptions, analyze_source, exit_status
from diag.cli.boundary import EXIT_INTERRUPTED
from diag.cli.capture_options import (
    agent_options,
    bundle_options,
    old_server_options,
    other_source_options,
    recording_options,
    security_options,
    server_options,
)
from diag.cli.console import silence_grpc, verbosity
from diag.cli.fail_on import check_findings
from diag.cli.option_groups import GroupedCommand
from diag.cli.options import (
    analysis_options,
    client_log_option,
    examples,
    report_verbosity_options,
)
from diag.cli.output import STDOUT, check_output, write_output
from diag.cli.report_output import DEFAULT_FORMAT, render_report
from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag capture localhost:8500",
        "diag capture 10.0.0.7:8500 --duration 5s -o incident.zip --html incident.html",
        "diag capture tfs.prod:8500 --ca-cert ca.pem --headers-file token.txt",
        "diag capture localhost:8500 --wait-for-traffic --require gpu,metrics",
        "diag capture 10.0.0.7:8500 --agent 10.0.0.7:9500 --agent-ca-cert ca.pem",
        "ssh gpu-host diag capture -q localhost:8500 -o - | diag analyze -",
    ),
)
@server_options
@recording_options
@bundle_options
@analysis_options
@client_log_option
@other_source_options
@agent_options
@security_options
@old_server_options
@report_verbosity_options
def capture(**options: Any) -> None:
    """Record a running TensorFlow Serving and explain its latency.

    HOST:PORT is the server's gRPC address. diag records 2 s with the server's profiler, after a
    warm-up of 0.2 s. Meanwhile it samples CPU and GPUs and reads the server's metrics. It prints a
    report and keeps the recording as a bundle, which diag analyze and TensorBoard can open.

    Nothing is written on the server. Ctrl-C ends the recording early and keeps it; a second Ctrl-C
    discards it.
    """
    silence_grpc()
    from diag.cli.capture_plan import plan_from

    plan, status = plan_from(options), 0
    if options["html"]:
        check_output(options["html"], force=options["force"])
    if options["output"] == STDOUT:
        outcome = _capture(plan, _binary_stdout(options), options)
    else:
        outcome = _capture(plan, options["output"], options)
        analysis = _print_report(outcome.path, options)
        status = exit_status(analysis)
        check_findings(analysis, () if outcome.interrupted else options["fail_on"])
    status = EXIT_INTERRUPTED if outcome.interrupted else status
    if status:
        click.get_current_context().exit(status)


def _capture(
    plan: diag.CapturePlan, output: Path | BinaryIO | None, options: dict[str, Any]
) -> diag.CaptureOutcome:
    """Record into ``output``, with progress on stderr."""
    from diag.cli.capture_progress import choose_progress

    progress = choose_progress(verbosity())
    outcome = diag.capture_bundle(plan, output, progress=progress, force=options["force"])
    progress.say(f"wrote {outcome.path}")
    return outcome


def _binary_stdout(options: dict[str, Any]) -> BinaryIO:
    """Stdout, for the bundle.

    Raises:
        UsageError: It is a terminal, or the options ask for a report on stdout as well.
    """
    if any(options[name] for name in ("format_", "summary", "html", "fail_on")):
        raise UsageError(
            "--format, --summary, --html and --fail-on have no effect with -o -, which writes no "
            "report"
        )
    if sys.stdout.isatty():
        raise UsageError(
            "-o - would write a zip file to the terminal",
            hint="redirect stdout to a file or to another program: | diag analyze -",
        )
    return sys.stdout.buffer


def _print_report(path: Path, options: dict[str, Any]) -> diag.Analysis:
    """Print the report of the new bundle; a text for people ends with the bundle's name."""
    chosen = AnalysisOptions(
        preprocess_ops=options["preprocess_ops"], client_log=options["client_log"]
    )
    analysis = analyze_source(path, chosen)
    format_ = options["format_"] or DEFAULT_FORMAT
    text = render_report(analysis, format_, to_stdout=True, summary=options["summary"])
    if format_ == DEFAULT_FORMAT:
        text = f"{text.rstrip()}\n\nbundle: {path}\n"
    write_output(STDOUT, text)
    if options["html"]:
        page = render_report(analysis, "html", to_stdout=False)
        write_output(options["html"], page, force=options["force"])
    return analysis
