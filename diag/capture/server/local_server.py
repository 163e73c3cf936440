"""Whether the server runs on this machine, so that this machine's CPU and GPUs are its own."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.capture.server.target import Target

# Programs that listen here for a server that is elsewhere.
TUNNELS = frozenset({"kubectl", "oc", "ssh", "sshd", "socat", "k9s", "gcloud", "cloudflared"})
SERVER_PROGRAM = "tensorflow_model_server"
_ANY = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound to
_MAPPED = "::ffff:"  # gRPC listens on IPv4 addresses through IPv6 sockets
_UCRED = struct.Struct("3i")
_CONNECT_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The server runs on this machine.

    Attributes:
        pid: Of the process that listens; Unavailable if it is another user's or in a container.
    """

    pid: int | Unavailable


def find_local_server(target: Target) -> LocalServer | Unavailable:
    """Whether the target is served from this machine, and by whom.

    A loopback address is not enough: ``kubectl port-forward`` and ssh listen there too.
    """
    if target.family == socket.AF_UNIX:
        return _judged(_unix_peer(target), "the socket")
    own = {entry.address for entries in psutil.net_if_addrs().values() for entry in entries}
    if target.address not in own and not target.address.startswith("127."):
        return Unavailable(f"the server is on another machine ({target.address})")
    return _judged(_listener(target.port, target.address), f"port {target.port}")


def find_server_process(port: int) -> LocalServer:
    """The server's process on this machine.

    It is the one that listens on the port, on whatever address. Across network namespaces, as from
    one container into another, no listener is seen; the only tensorflow_model_server is taken then.
    """
    pid = _listener(port, None)
    if pid is not None:
        found = _judged(pid, f"port {port}")
        return LocalServer(found) if isinstance(found, Unavailable) else found
    named = _processes_named(SERVER_PROGRAM)
    if len(named) == 1:
        return LocalServer(named[0])
    count = str(len(named)) if named else "no"
    return LocalServer(
        Unavailable(
            f"no listener on port {port} can be seen from there, and {count} processes of the name "
            f"{SERVER_PROGRAM}"
        )
    )


def _processes_named(name: str) -> list[int]:
    return [
        process.pid for process in psutil.process_iter(["name"]) if process.info["name"] == name
    ]


def shares_clock(local: LocalServer | Unavailable, hostnames: Sequence[str]) -> bool:
    """Whether the server reads the very clock that this process reads.

    The process that listens must be visible here and no known tunnel, and the trace must come from
    a host of this machine's name: an unknown forwarder listens here for a server that is elsewhere.
    Containers of this machine share its clock too, but have names of their own, and are not told.

    Args:
        local: Of ``find_local_server``.
        hostnames: As the trace names its host.
    """
    if isinstance(local, Unavailable) or isinstance(local.pid, Unavailable):
        return False
    return list(hostnames) == [socket.gethostname()]


def _judged(pid: int | None, place: str) -> LocalServer | Unavailable:
    if pid is None:
        return LocalServer(Unavailable("its process cannot be seen from here"))
    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        return LocalServer(Unavailable("its process cannot be seen from here"))
    if name in TUNNELS:
        return Unavailable(f"{name} forwards {place} to another machine")
    return LocalServer(pid)


def _listener(port: int, address: str | None) -> int | None:
    """Its pid, if it can be seen; with an address, only a listener that hears that one."""
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return None
    for connection in connections:
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.pid
            and connection.laddr
            and connection.laddr.port == port
            and (address is None or connection.laddr.ip.removeprefix(_MAPPED) in (address, *_ANY))
        ):
            return int(connection.pid)
    return None


def _unix_peer(target: Target) -> int | None:
    """The process behind a UNIX socket. Source: unix(7), SO_PEERCRED."""
    try:
        with target.connect(_CONNECT_TIMEOUT_S) as stream:
            raw = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    except OSError:
        return None
    return int(_UCRED.unpack(raw)[0]) or None
