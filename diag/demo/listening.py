"""The addresses of the demo server: gRPC with the profiler, and HTTP."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import grpc
import tensorflow as tf

from diag.demo.profiler_proxy import ProfilerProxy, ProxyPolicy
from diag.demo.rest import RestServer
from diag.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from diag.demo.registry import Registry


def make_profiler_proxy(arguments: argparse.Namespace) -> ProfilerProxy:
    """Start TensorFlow's in-process profiler server and a proxy to it."""
    inner_port = _free_port()
    # It listens on all addresses without authentication, so the demo is not for open networks.
    tf.profiler.experimental.server.start(inner_port)
    policy = ProxyPolicy(arguments.allow_server_writes, arguments.emulate_2_20)
    return ProfilerProxy(f"127.0.0.1:{inner_port}", policy)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listen_http(arguments: argparse.Namespace, registry: Registry) -> RestServer:
    """Bind the HTTP server; it does not serve yet.

    Raises:
        UsageError: The port is in use.
    """
    address = (arguments.host, arguments.http_port)
    try:
        return RestServer(address, registry)
    except OSError as error:
        raise _port_in_use(f"{address[0]}:{address[1]}", "--http-port", error) from error


def listen_grpc(server: grpc.Server, arguments: argparse.Namespace) -> int:
    """Bind gRPC and return its port.

    Raises:
        UsageError: The port is in use.
    """
    address = f"{arguments.host}:{arguments.port}"
    try:
        if arguments.socket:
            server.add_insecure_port(f"unix:{arguments.socket}")
        port: int = (
            server.add_insecure_port(address)
            if arguments.tls_cert is None
            else server.add_secure_port(address, _credentials(arguments))
        )
    except RuntimeError as error:
        raise _port_in_use(address, "--port", error) from error
    return port


def _credentials(arguments: argparse.Namespace) -> grpc.ServerCredentials:
    client_ca = arguments.tls_client_ca.read_bytes() if arguments.tls_client_ca else None
    return grpc.ssl_server_credentials(
        [(arguments.tls_key.read_bytes(), arguments.tls_cert.read_bytes())],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def _port_in_use(address: str, option: str, error: Exception) -> UsageError:
    return UsageError(
        f"the demo server cannot listen on {address}",
        cause=str(error),
        hint=f"{option} 0 picks a free port",
    )
