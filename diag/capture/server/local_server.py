"""Finds out whether the server runs on this machine, and which process it is."""

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

# Programs that forward a local port to another machine.
TUNNELS = frozenset({"kubectl", "oc", "ssh", "sshd", "socat", "k9s", "gcloud", "cloudflared"})
SERVER_PROGRAM = "tensorflow_model_server"
_ANY = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound to
_MAPPED = "::ffff:"  # gRPC listens on IPv4 addresses through IPv6 sockets
_UCRED = struct.Struct("3i")
_CONNECT_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that runs on this machine.

    Attributes:
        pid: Process id of the server, or why it is unknown: the process belongs to another user or
            runs in a container.
    """

    pid: int | Unavailable


def find_local_server(target: Target) -> LocalServer | Unavailable:
    """The server's process on this machine, or why the server is not on this machine.

    A loopback address is not proof: ``kubectl port-forward`` and ssh listen there too.

    Args:
        target: The server's address.
    """
    if target.family == socket.AF_UNIX:
        return _judged(_unix_peer(target), "the socket")
    own = {entry.address for entries in psutil.net_if_addrs().values() for entry in entries}
    if target.address not in own and not target.address.startswith("127."):
        return Unavailable(f"the server is on another machine ({target.address})")
    return _judged(_listener(target.port, target.address), f"port {target.port}")


def find_server_process(port: int) -> LocalServer:
    """The server's process on this machine, for an agent that knows only the port.

    This is the process that listens on the port, on any address. From another network namespace,
    such as another container, listeners are invisible; then it is the process of the name
    tensorflow_model_server, if there is exactly one.

    Args:
        port: The server's gRPC port.
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
            f"no process is visible that listens on port {port}, and {count} processes have the "
            f"name {SERVER_PROGRAM}"
        )
    )


def _processes_named(name: str) -> list[int]:
    return [
        process.pid for process in psutil.process_iter(["name"]) if process.info["name"] == name
    ]


def shares_clock(local: LocalServer | Unavailable, hostnames: Sequence[str]) -> bool:
    """Whether the server and this process read the same clock.

    True only if the server's process is visible here and the trace names this machine as its host:
    an unknown forwarder could listen here for a server on another machine. Containers on this
    machine share its clock but have host names of their own, so this is False for them.

    Args:
        local: Of ``find_local_server``.
        hostnames: The host names in the trace.
    """
    if isinstance(local, Unavailable) or isinstance(local.pid, Unavailable):
        return False
    return list(hostnames) == [socket.gethostname()]


def _judged(pid: int | None, place: str) -> LocalServer | Unavailable:
    if pid is None:
        return LocalServer(Unavailable("the server's process is not visible"))
    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        return LocalServer(Unavailable("the server's process is not visible"))
    if name in TUNNELS:
        return Unavailable(f"{name} forwards {place} to another machine")
    return LocalServer(pid)


def _listener(port: int, address: str | None) -> int | None:
    """Process id of the listener on a port (and address, if given); None if none is visible."""
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
