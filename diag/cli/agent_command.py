"""``diag agent``: samples of this machine, for a capture that runs on another machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

import diag
from diag.cli.console import silence_grpc, verbosity
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import examples, verbosity_options
from diag.errors import UsageError
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.agent.listen import ServerCertificate

_PATH = click.Path(path_type=Path)
_PORT = click.IntRange(1, 65535)
_LOOPBACK = "127.0.0.1"


def _full_address(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """``9500`` is 127.0.0.1:9500."""
    return f"{_LOOPBACK}:{value}" if value.isdecimal() else value


_agent_options = option_group(
    "Agent",
    option(
        "--listen",
        metavar="[HOST:]PORT",
        default=f"{_LOOPBACK}:9500",
        show_default=True,
        callback=_full_address,
        help="Address to listen on, or unix:/path. A port alone is on 127.0.0.1. Addresses that "
        "other machines can reach require TLS and a token.",
    ),
    option(
        "--server-port",
        type=_PORT,
        metavar="PORT",
        default=8500,
        show_default=True,
        help="Port of the server on this machine. The agent samples the process that listens "
        "there, and its cgroup.",
    ),
    option(
        "--max-clients",
        type=click.IntRange(1, 64),
        metavar="N",
        default=4,
        show_default=True,
        help="Captures that can receive samples at the same time.",
    ),
)

_security_options = option_group(
    "Security",
    option(
        "--tls-cert", type=_PATH, metavar="PEM", help="The agent's certificate, with its chain."
    ),
    option("--tls-key", type=_PATH, metavar="PEM", help="Private key of that certificate."),
    option(
        "--client-ca",
        type=_PATH,
        metavar="PEM",
        help="Accept only clients with a certificate that this authority signed.",
    ),
    option(
        "--token-file",
        type=_PATH,
        metavar="FILE",
        help="File with the token that clients must send. Without it, the variable "
        "DIAG_AGENT_TOKEN is used.",
    ),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag agent",
        "diag agent --server-port 9000 --listen unix:/run/diag/agent.sock",
        "diag agent --listen 0.0.0.0:9500 --tls-cert agent.pem --tls-key agent.key "
        "--token-file token",
        "diag capture host:8500 --agent host:9500 --agent-ca-cert ca.pem --agent-token-file token",
    ),
)
@_agent_options
@_security_options
@verbosity_options
def agent(
    listen: str,
    server_port: int,
    max_clients: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    token_file: Path | None,
) -> None:
    """Send CPU and GPU samples of this machine to diag capture on another machine.

    Run it on the machine of TensorFlow Serving. It samples only while a capture is connected,
    changes nothing on the machine, and stops on SIGTERM or Ctrl-C.
    """
    silence_grpc()
    from diag.agent.listen import ListenOptions, resolve_listen_address
    from diag.agent.run import run_agent

    token = diag.read_token(token_file, "token")
    listening = ListenOptions(
        resolve_listen_address(listen), _certificate(tls_cert, tls_key, client_ca), token
    )
    run_agent(listening, server_port, max_clients, _logger(quiet=verbosity() < 0))


def _certificate(
    cert: Path | None, key: Path | None, client_ca: Path | None
) -> ServerCertificate | None:
    from diag.agent.listen import ServerCertificate

    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise UsageError("--tls-cert and --tls-key must be given together, also for --client-ca")
    return ServerCertificate(cert, key, client_ca)


def _logger(*, quiet: bool) -> Callable[[str], None]:
    """A function that writes a line with the time to stderr; safe on any thread."""

    def log(line: str) -> None:
        if not quiet:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            sys.stderr.write(f"{now} {printable(line)}\n")
            sys.stderr.flush()

    return log
