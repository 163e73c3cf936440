"""``diag capture``: a running server in, a bundle and a verdict out."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diag.cli.boundary import EXIT_INTERRUPTED
from diag.cli.capture_options import (
    agent_options,
    beside_options,
    bundle_options,
    old_server_options,
    recording_options,
    security_options,
    server_options,
)
from diag.cli.console import hush_grpc, verbosity
from diag.cli.option_groups import GroupedCommand
from diag.cli.options import examples, verbosity_options
from diag.errors import UsageError

if TYPE_CHECKING:
    from diag.capture.plan import AgentAccess, CapturePlan, ServerRepository, TlsOptions
    from diag.capture.server.headers import Headers

HEADERS_VARIABLE = "DIAG_HEADERS"


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag capture --server localhost:8500",
        "diag capture --server 10.0.0.7:8500 --duration 5s -o incident.zip",
        "diag capture --server tfs.prod:8500 --ca-cert ca.pem --headers-file token.txt",
        "diag capture --server localhost:8500 --wait-for-traffic --require gpu,metrics",
        "diag capture --server 10.0.0.7:8500 --agent 10.0.0.7:9500 --agent-ca-cert ca.pem",
    ),
)
@server_options
@recording_options
@beside_options
@agent_options
@security_options
@old_server_options
@bundle_options
@verbosity_options
def capture(**options: Any) -> None:
    """Record a running TensorFlow Serving and say what holds it up.

    One profiling session of 2 s, after a throw-away one of 0.2 s, with samples of host and GPUs
    and the server's own metrics over the same window. Nothing is written on the server. The
    bundle opens in TensorBoard, and diag analyze reads it again. Ctrl-C ends the recording early
    and keeps it; a second one gives up.
    """
    from diag.cli.analysis import check_regex

    hush_grpc()
    check_regex(options["preprocess_ops"])
    plan = plan_from(options)
    output = options["output"] or Path(default_name())
    from diag.capture.session import capture_bundle
    from diag.cli.capture_progress import choose_progress

    progress = choose_progress(verbosity())
    outcome = capture_bundle(plan, output, progress=progress, force=options["force"])
    progress.say(f"wrote {outcome.path}")
    _print_verdict(outcome.path, options["batching_parameters"], options["preprocess_ops"])
    if outcome.interrupted:
        click.get_current_context().exit(EXIT_INTERRUPTED)


def default_name() -> str:
    """``diag-20261123T101500Z``: sorts as time does."""
    return time.strftime("diag-%Y%m%dT%H%M%SZ", time.gmtime())


def plan_from(options: dict[str, Any]) -> CapturePlan:
    """The plan that the options ask for.

    Raises:
        UsageError: They contradict each other, or a file they name cannot be used.
        BatchingParametersError: The batching parameters are not valid.
    """
    from diag.capture.plan import CapturePlan
    from diag.capture.server.http_page import check_url

    metrics = options["metrics"]
    return CapturePlan(
        server=options["server"],
        duration_ns=options["duration"],
        host_tracer_level=options["host_tracer_level"],
        device_trace=not options["no_device_trace"],
        warmup=not options["no_warmup"],
        max_bytes=options["max_bytes"],
        allow_long=options["allow_long"],
        metrics=metrics if metrics in ("auto", "off") else check_url(metrics),
        dcgm=check_url(options["dcgm"], "--dcgm") if options["dcgm"] else "",
        gpu_rate_hz=options["gpu_rate"],
        agent=_agent(options),
        models=options["model"],
        require=options["require"],
        tls=_tls(options),
        authority=options["authority"],
        headers=_headers(options["headers_file"]),
        repository=_repository(options),
        wait_for_traffic=options["wait_for_traffic"],
        wait_limit_ns=options["wait_limit"],
        timeout_ns=options["timeout"],
        collect_timeout_ns=options["collect_timeout"],
        batching_parameters=_parameters_text(options["batching_parameters"]),
    )


def _tls(options: dict[str, Any]) -> TlsOptions | None:
    from diag.capture.plan import TlsOptions

    files = (options["ca_cert"], options["client_cert"], options["client_key"])
    return TlsOptions(*files) if options["tls"] or any(files) else None


def _agent(options: dict[str, Any]) -> AgentAccess | None:
    from diag.capture.plan import AgentAccess, TlsOptions
    from diag.capture.samplers.remote.token import read_token

    names = ("agent_ca_cert", "agent_client_cert", "agent_client_key")
    files, token_file = [options[name] for name in names], options["agent_token_file"]
    if not options["agent"]:
        if any(files) or token_file:
            raise UsageError("--agent-... options need --agent HOST:PORT")
        return None
    if bool(files[1]) != bool(files[2]):
        raise UsageError("--agent-client-cert and --agent-client-key belong together")
    tls = TlsOptions(files[0], files[1], files[2], prefix="--agent-") if any(files) else None
    return AgentAccess(options["agent"], tls, read_token(token_file, "--agent-token-file"))


def _headers(path: Path | None) -> Headers:
    from diag.capture.server.headers import parse_headers, read_headers

    if path is not None:
        return read_headers(path)
    return parse_headers(os.environ.get(HEADERS_VARIABLE, ""), HEADERS_VARIABLE)


def _repository(options: dict[str, Any]) -> ServerRepository | None:
    from diag.capture.plan import ServerRepository

    root, local = options["repository_root"], options["repository_local"]
    if root is None and local is None:
        return None
    if not root or local is None:
        raise UsageError("--repository-root and --repository-local belong together")
    if not local.is_dir():
        raise UsageError(f"--repository-local {local} is no folder here")
    return ServerRepository(root, local)


def _parameters_text(path: Path | None) -> str:
    """The file as it is, once it has been parsed: a mistake in it must not cost a capture."""
    if path is None:
        return ""
    from diag.formats.text.batching_parameters import read_batching_parameters

    read_batching_parameters(path)
    return path.read_text()


def _print_verdict(path: Path, parameters: Path | None, preprocess_ops: str | None) -> None:
    from diag.cli.analysis import analyze_source
    from diag.cli.analyze_command import render
    from diag.report.build import build_report

    analysis = analyze_source(path, parameters, preprocess_ops)
    text = render(build_report(analysis), "text", to_stdout=True)
    sys.stdout.write(f"{text.rstrip()}\n\nbundle: {path}\n")
