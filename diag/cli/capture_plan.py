"""Options of ``diag capture`` -> the library's CapturePlan."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from diag.cli.capture_options import HEADERS_VARIABLE, server_address
from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from diag.capture.plan import AgentAccess, CapturePlan, ServerRepository, TlsOptions
    from diag.capture.server.headers import Headers


def plan_from(options: dict[str, Any]) -> CapturePlan:
    """The plan that the options ask for.

    Raises:
        UsageError: They contradict each other, or a file that they name cannot be used.
        BatchingParametersError: The batching parameters are not valid.
    """
    from diag.capture.plan import CapturePlan
    from diag.capture.server.http_page import check_url

    metrics = options["metrics"]
    return CapturePlan(
        server=_server(options),
        duration_ns=options["duration"],
        host_tracer_level=options["host_tracer_level"],
        device_trace=not options["no_device_trace"],
        warmup=not options["no_warmup"],
        max_bytes=options["max_bytes"],
        allow_long=options["allow_long"],
        metrics=metrics if metrics in ("auto", "off") else check_url(metrics),
        dcgm=check_url(options["dcgm"], "dcgm") if options["dcgm"] else "",
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


def _server(options: dict[str, Any]) -> str:
    context = click.get_current_context()
    is_typed = context.get_parameter_source("server") is ParameterSource.COMMANDLINE
    return server_address(options["address"], options["server"], is_server_typed=is_typed)


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
            raise UsageError("the --agent-... options need --agent HOST:PORT")
        return None
    tls = TlsOptions(*files) if any(files) else None
    return AgentAccess(options["agent"], tls, read_token(token_file, "agent.token"))


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
        raise UsageError("--repository-root and --repository-local must be given together")
    if not local.is_dir():
        raise UsageError(f"--repository-local {local} is not a folder on this machine")
    return ServerRepository(root, local)


def _parameters_text(path: Path | None) -> str:
    """The file as it is. It is parsed first, so that a mistake in it does not cost a capture."""
    if path is None:
        return ""
    from diag.formats.text.batching_parameters import read_batching_parameters

    read_batching_parameters(path)
    return path.read_text()
