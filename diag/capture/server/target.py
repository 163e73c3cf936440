"""Target: the server's address, resolved once for everything that a capture does.

Behind a load balancer one name can lead to many replicas. Resolving the name once makes the
warm-up, the model status and the recording use the same replica.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from diag.capture.address import parse_address
from diag.errors import ServerUnreachableError


@dataclass(frozen=True, slots=True)
class Target:
    """The address of a server, resolved.

    Attributes:
        given: The address as the user wrote it.
        host: Host name or address as the user wrote it, "" for a UNIX socket.
        port: TCP port, 0 for a UNIX socket.
        address: The numeric address in use, or the socket's path.
        family: ``socket.AF_INET``, ``AF_INET6`` or ``AF_UNIX``.
    """

    given: str
    host: str
    port: int
    address: str
    family: socket.AddressFamily

    @property
    def grpc_target(self) -> str:
        """The numeric address in gRPC's notation, so that gRPC does not resolve a name."""
        if self.family == socket.AF_UNIX:
            return f"unix:{self.address}"
        if self.family == socket.AF_INET6:
            return f"ipv6:[{self.address}]:{self.port}"
        return f"ipv4:{self.address}:{self.port}"

    @property
    def authority(self) -> str:
        """The server's name in the :authority header and in TLS."""
        if self.family == socket.AF_UNIX:
            return "localhost"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can use the address: loopback or a UNIX socket."""
        if self.family == socket.AF_UNIX:
            return True
        return ipaddress.ip_address(self.address.partition("%")[0]).is_loopback

    def connect(self, timeout_s: float) -> socket.socket:
        """Connect a plain socket to the address.

        Raises:
            OSError: As of connect(2).
        """
        stream = socket.socket(self.family, socket.SOCK_STREAM)
        stream.settimeout(timeout_s)
        try:
            unix = self.family == socket.AF_UNIX
            stream.connect(self.address if unix else (self.address, self.port))
        except OSError:
            stream.close()
            raise
        return stream


def find_server(text: str, timeout_s: float, parameter: str = "server") -> Target:
    """Resolve an address once and take the first result that accepts a connection.

    Args:
        text: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.
        timeout_s: Time allowed for each connection attempt.
        parameter: The parameter that holds the address, for messages.

    Raises:
        UsageError: ``text`` is not an address.
        ServerUnreachableError: The name cannot be resolved, or no process accepts a connection.
    """
    host, port = parse_address(text, parameter)
    if port == 0:
        return _reached([Target(text, "", 0, host, socket.AF_UNIX)], timeout_s)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise ServerUnreachableError(
            f"{text}: the name {host} cannot be resolved",
            cause=str(exc),
            hint=f"check the spelling, or look the address up: getent hosts {host}",
        ) from exc
    addresses = dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found)
    targets = [Target(text, host, port, address, family) for family, address in addresses]
    return _reached(targets, timeout_s)


def _reached(targets: list[Target], timeout_s: float) -> Target:
    failures: list[str] = []
    for target in targets:
        failure = _connect_failure(target, timeout_s)
        if not failure:
            return target
        failures.append(f"{target.address}: {failure}")
    raise ServerUnreachableError(
        f"nothing answers at {targets[0].given}",
        cause="; ".join(failures),
        hint="check the gRPC port (--port of tensorflow_model_server, 8500 by default); "
        "in Kubernetes: kubectl port-forward POD 8500:8500",
    )


def _connect_failure(target: Target, timeout_s: float) -> str:
    try:
        target.connect(timeout_s).close()
    except OSError as exc:
        return exc.strerror or str(exc)
    return ""
