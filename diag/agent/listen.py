"""The agent's address: a network address needs TLS and a token, a local one needs neither."""

from __future__ import annotations

import socket
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from diag.capture.address import UNIX_PREFIX, parse_address
from diag.capture.samplers.remote.token import check_private
from diag.capture.server.target import Target
from diag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The agent's certificate; all paths are PEM files.

    Attributes:
        cert: The certificate with its chain.
        key: Private key of the certificate.
        client_ca: Authority that must have signed the clients' certificates; None requires no
            client certificate.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """Address, certificate and token of an agent, checked.

    Attributes:
        address: The address to listen on; port 0 takes a free port.
        certificate: The agent's certificate; None for plaintext.
        token: The token that every call must carry; "" for none.
    """

    address: Target
    certificate: ServerCertificate | None = None
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse a network address without TLS and a token.

        Raises:
            UsageError: Other machines can reach the address, and TLS or the token is missing.
        """
        missing = []
        if self.certificate is None:
            missing.append("`certificate.cert` and `certificate.key`")
        if not self.token:
            missing.append("`token` (or the variable DIAG_AGENT_TOKEN)")
        if missing and not self.address.is_loopback:
            raise UsageError(
                f"`listen` {self.address.given} can be reached from other machines, so it needs "
                + ", and ".join(missing),
                hint="listen on 127.0.0.1 and connect by ssh -L or kubectl port-forward, or see "
                "docs/agent.md",
                parameter="listen",
            )

    @property
    def credentials(self) -> grpc.ServerCredentials | None:
        """Credentials for gRPC; None for plaintext.

        Raises:
            UsageError: A certificate or key file cannot be used.
        """
        return None if self.certificate is None else _credentials(self.certificate)


def resolve_listen_address(text: str) -> Target:
    """Resolve an address to listen on.

    Args:
        text: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``; port 0 takes a free port.

    Raises:
        UsageError: ``text`` is not an address or cannot be resolved, or the socket is in use.
    """
    host, port = parse_address(text, "listen", port_min=0)
    if text.startswith(UNIX_PREFIX):
        _check_socket(Path(host))
        return Target(text, "", 0, host, socket.AF_UNIX)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as exc:
        message = f"`listen` {text} cannot be resolved"
        raise UsageError(message, cause=str(exc), parameter="listen") from exc
    family, _, _, _, where = found[0]
    return Target(text, host, port, str(where[0]), family)


def _check_socket(path: Path) -> None:
    """Refuse to replace an existing file or a socket in use; gRPC would remove either."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise UsageError(f"`listen` unix:{path}: a file of that name exists", parameter="listen")
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(_CONNECT_TIMEOUT_S)
        try:
            stream.connect(str(path))
        except OSError:
            return
    raise UsageError(f"`listen` unix:{path} is in use", parameter="listen")


def _credentials(certificate: ServerCertificate) -> grpc.ServerCredentials:
    check_private(certificate.key, "certificate.key")
    client_ca = certificate.client_ca
    # gRPC reports an unusable certificate only in the handshake with a client.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate.cert, certificate.key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
    except (ssl.SSLError, OSError) as exc:
        raise UsageError(
            f"`certificate.cert` {certificate.cert}, `certificate.key` {certificate.key}"
            + (f" or `certificate.client_ca` {client_ca}" if client_ca else "")
            + " cannot be used",
            cause=getattr(exc, "reason", "") or exc.strerror or str(exc),
            hint="all must be PEM files, and the key must belong to the certificate",
            parameter="certificate.cert",
        ) from exc
    authority = None if client_ca is None else client_ca.read_bytes()
    key, cert = certificate.key.read_bytes(), certificate.cert.read_bytes()
    pair: Sequence[tuple[bytes, bytes]] = [(key, cert)]
    return grpc.ssl_server_credentials(
        pair, root_certificates=authority, require_client_auth=authority is not None
    )
