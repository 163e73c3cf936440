"""Options of ``diag capture`` -> the library's CapturePlan."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

import diag
from diag.cli.capture_options import server_address
from diag.errors import UsageError


def plan_from(options: dict[str, Any]) -> diag.CapturePlan:
    """The plan that the options ask for.

    Raises:
        UsageError: They contradict each other, or a file that they name cannot be used.
        InputError: The batching parameters cannot be read, or are not valid.
    """
    return diag.CapturePlan(
        server=_server(options),
        duration_ns=options["duration"],
        host_tracer_level=options["host_tracer_level"],
        device_trace=not options["no_device_trace"],
        warmup=not options["no_warmup"],
        max_bytes=options["max_bytes"],
        allow_long=options["allow_long"],
        metrics=options["metrics"],
        dcgm=options["dcgm"],
        stacks=options["stacks"],
        gpu_rate_hz=options["gpu_rate"],
        agent=_agent(options),
        models=options["model"],
        require=options["require"],
        tls=tls_of(options),
        authority=options["authority"],
        headers=diag.read_headers(options["headers_file"]),
        repository=_repository(options),
        probe=not options["no_probe"],
        wait_for_traffic=options["wait_for_traffic"],
        wait_limit_ns=options["wait_limit"],
        timeout_ns=options["timeout"],
        collect_timeout_ns=options["collect_timeout"],
        batching_parameters=options["batching_parameters"] or "",
    )


def _server(options: dict[str, Any]) -> str:
    context = click.get_current_context()
    is_typed = context.get_parameter_source("server") is ParameterSource.COMMANDLINE
    return server_address(options["address"], options["server"], is_server_typed=is_typed)


def tls_of(options: dict[str, Any]) -> diag.TlsOptions | None:
    """The certificates of ``security_options``; None for plaintext."""
    files = (options["ca_cert"], options["client_cert"], options["client_key"])
    return diag.TlsOptions(*files) if options["tls"] or any(files) else None


def _agent(options: dict[str, Any]) -> diag.AgentAccess | None:
    names = ("agent_ca_cert", "agent_client_cert", "agent_client_key")
    files, token_file = [options[name] for name in names], options["agent_token_file"]
    if not options["agent"]:
        if any(files) or token_file:
            raise UsageError("the --agent-... options need --agent HOST:PORT")
        return None
    tls = diag.TlsOptions(*files) if any(files) else None
    return diag.AgentAccess(options["agent"], tls, diag.read_token(token_file))


def _repository(options: dict[str, Any]) -> diag.ServerRepository | None:
    root, local = options["repository_root"], options["repository_local"]
    if root is None and local is None:
        return None
    if root is None or local is None:
        raise UsageError("--repository-root and --repository-local must be given together")
    return diag.ServerRepository(root, local)
