"""Where the server is: what was typed, and the one address that everything then uses.

Behind a balancer a name may stand for many replicas. Resolving it once makes warm-up, status and
recording meet the same one.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from diag.errors import ServerUnreachableError, UsageError

_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>\d{1,5})")
_UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Target:
    """A server that accepted a connection.

    Attributes:
        given: As typed.
        host: Host name or address as typed, "" for a UNIX socket.
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
        """The address in gRPC's spelling, numeric, so that gRPC resolves nothing again."""
        if self.family == socket.AF_UNIX:
            return f"unix:{self.address}"
        if self.family == socket.AF_INET6:
            return f"ipv6:[{self.address}]:{self.port}"
        return f"ipv4:{self.address}:{self.port}"

    @property
    def authority(self) -> str:
        """What the server is called in the :authority header, and in TLS."""
        if self.family == socket.AF_UNIX:
            return "localhost"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is an address that no other machine can have."""
        if self.family == socket.AF_UNIX:
            return True
        return ipaddress.ip_address(self.address.partition("%")[0]).is_loopback

    def connect(self, timeout_s: float) -> socket.socket:
        """A plain stream to the address.

        Raises:
            OSError: As connect(2) does.
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


def parse_server(text: str, option: str = "--server", port_min: int = 1) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` or ``[IPv6]:PORT``; path and 0 of ``unix:/path``.

    Args:
        text: As typed.
        option: Where it was typed, for messages.
        port_min: 0 where the system may choose one.

    Raises:
        UsageError: It is neither.
    """
    if text.startswith(_UNIX):
        path = text.removeprefix(_UNIX)
        path = path.removeprefix("//") if path.startswith("///") else path
        if not path:
            raise UsageError(f"{option} unix: lacks the path of the socket")
        return path, 0
    match = _HOST_PORT.fullmatch(text)
    if match is None or not port_min <= int(match["port"]) < 65536:
        raise UsageError(
            f"{option} {text!r} is not HOST:PORT",
            hint="e.g. localhost:8500, '[::1]:8500' or unix:/run/tfs.sock",
        )
    return match["v6"] or match["host"], int(match["port"])


def find_server(text: str, timeout_s: float) -> Target:
    """Resolve once and take the first address that accepts a connection.

    Raises:
        UsageError: ``text`` is not an address.
        ServerUnreachableError: It cannot be resolved, or nothing listens there.
    """
    host, port = parse_server(text)
    if port == 0:
        return _reached([Target(text, "", 0, host, socket.AF_UNIX)], timeout_s)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise ServerUnreachableError(
            f"{text}: the name {host} cannot be resolved",
            cause=str(exc),
            hint=f"check the spelling, or try the address: getent hosts {host}",
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
