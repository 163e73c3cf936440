"""AgentServer: the agent's gRPC server, which checks the token before any call is handled."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

from diag.agent.token_interceptor import TokenInterceptor
from diag.capture.samplers.remote.protocol import REQUEST_MAX_BYTES, SERVICE
from diag.errors import UsageError
from diag.formats.wire.agent_pb2 import (
    ClockReading,
    ClockRequest,
    DescribeRequest,
    Description,
    SampleReply,
    SampleRequest,
)

if TYPE_CHECKING:
    from diag.agent.listen import ListenOptions
    from diag.agent.service import AgentService

# Calls in addition to the streams: descriptions, clock readings, and refused calls.
_OTHER_CALLS = 8
_GRACE_S = 2.0
_OWNER_ONLY = 0o177  # as a umask


class AgentServer:
    """An agent that listens from ``start`` to ``stop``.

    Attributes:
        address: The address in use, with the actual port if a free one was requested.
    """

    def __init__(self, listening: ListenOptions, service: AgentService) -> None:
        """Bind the address.

        Args:
            listening: Address, certificate and token.
            service: Handles the calls.

        Raises:
            UsageError: The address or a certificate cannot be used.
        """
        self._service = service
        limits = service.slots.limits
        calls_max = limits.clients_max + limits.pending_max + _OTHER_CALLS
        interceptors = [TokenInterceptor(listening.token, service)] if listening.token else []
        self._threads = ThreadPoolExecutor(calls_max, thread_name_prefix="diag-agent")
        self._server = grpc.server(
            self._threads,
            interceptors=interceptors,
            options=[
                # Without this, two agents on one port would each get half of the clients.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", REQUEST_MAX_BYTES),
                ("grpc.max_connection_idle_ms", 60_000),
                ("grpc.server_handshake_timeout_ms", 10_000),
                # Detects a client whose machine is gone, so that its slot becomes free.
                ("grpc.keepalive_time_ms", 10_000),
                ("grpc.keepalive_timeout_ms", 5_000),
            ],
            maximum_concurrent_rpcs=calls_max,
        )
        self._server.add_generic_rpc_handlers((_handlers(service),))
        self.address = _bind(self._server, listening)

    def start(self) -> None:
        """Start to answer calls."""
        self._server.start()

    def check(self) -> None:
        """Cancel overdue calls; call this about once a second."""
        self._service.slots.cancel_overdue()

    def stop(self) -> None:
        """Send the clients the samples taken so far, end all calls, and end the threads.

        Harmless when called again.
        """
        self._service.stop()
        self._server.stop(_GRACE_S).wait()
        # gRPC leaves an executor that it did not make to its owner.
        self._threads.shutdown()


def _handlers(service: AgentService) -> grpc.GenericRpcHandler:
    # The first two are streams, so that they are answered without waiting for their empty requests;
    # otherwise calls that never send one could occupy all threads.
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Describe": grpc.stream_unary_rpc_method_handler(
                service.describe, DescribeRequest.FromString, Description.SerializeToString
            ),
            "ReadClock": grpc.stream_unary_rpc_method_handler(
                service.read_clock, ClockRequest.FromString, ClockReading.SerializeToString
            ),
            "Sample": grpc.stream_stream_rpc_method_handler(
                service.sample, SampleRequest.FromString, SampleReply.SerializeToString
            ),
        },
    )


def _bind(server: grpc.Server, listening: ListenOptions) -> str:
    place, credentials = listening.address, listening.credentials
    unix = place.family == socket.AF_UNIX
    host = f"[{place.address}]" if ":" in place.address else place.address
    address = place.grpc_target if unix else f"{host}:{place.port}"
    mask = os.umask(_OWNER_ONLY) if unix else None
    try:
        port = (
            server.add_insecure_port(address)
            if credentials is None
            else server.add_secure_port(address, credentials)
        )
    except RuntimeError:
        port = 0
    finally:
        if mask is not None:
            os.umask(mask)
    if not port:
        raise UsageError(
            f"`listen` {place.given} cannot be used",
            cause=_bind_failure(listening),
            hint="find out which program listens there (ss -ltnp), or choose another port",
            parameter="listen",
        )
    return place.given if unix else f"{host}:{port}"


def _bind_failure(listening: ListenOptions) -> str:
    """The system's reason; gRPC writes it only to its own log."""
    place = listening.address
    try:
        with socket.socket(place.family) as probe:
            probe.bind(
                place.address if place.family == socket.AF_UNIX else (place.address, place.port)
            )
    except OSError as exc:
        return exc.strerror or str(exc)
    return "gRPC could not listen on this address"
