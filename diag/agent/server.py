"""AgentServer: the agent's calls on a gRPC port, with its token asked for before anything else."""

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

# Calls beside the streams: descriptions, clocks, and those that are refused.
_OTHER_CALLS = 8
_GRACE_S = 2.0
_OWNER_ONLY = 0o177  # as a umask


class AgentServer:
    """An agent that listens from ``start`` to ``stop``.

    Attributes:
        address: Where, with the port that was free if any was asked for.
    """

    def __init__(self, listening: ListenOptions, service: AgentService) -> None:
        """Take the address.

        Args:
            listening: Where and how.
            service: What answers.

        Raises:
            UsageError: The address or a certificate cannot be used.
        """
        self._service = service
        limits = service.slots.limits
        calls_max = limits.clients_max + limits.waiting_max + _OTHER_CALLS
        interceptors = [TokenInterceptor(listening.token, service)] if listening.token else []
        self._threads = ThreadPoolExecutor(calls_max, thread_name_prefix="diag-agent")
        self._server = grpc.server(
            self._threads,
            interceptors=interceptors,
            options=[
                # Two agents on one port would each get half of the clients.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", REQUEST_MAX_BYTES),
                ("grpc.max_connection_idle_ms", 60_000),
                ("grpc.server_handshake_timeout_ms", 10_000),
                # A client whose machine went away is found out, and its place is free again.
                ("grpc.keepalive_time_ms", 10_000),
                ("grpc.keepalive_timeout_ms", 5_000),
            ],
            maximum_concurrent_rpcs=calls_max,
        )
        self._server.add_generic_rpc_handlers((_handlers(service),))
        self.address = _bind(self._server, listening)

    def start(self) -> None:
        """Answer from now on."""
        self._server.start()

    def check(self) -> None:
        """Housekeeping, to be done about every second."""
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
    # As streams the first two are answered without their requests, which hold nothing: else calls
    # that never send one would hold all threads.
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
    place, credentials = listening.place, listening.credentials
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
            f"--listen {place.given} cannot be used",
            cause=_bind_failure(listening),
            hint="look who listens there (ss -ltnp), or take another port",
        )
    return place.given if unix else f"{host}:{port}"


def _bind_failure(listening: ListenOptions) -> str:
    """What the system says to it: gRPC tells its own log only."""
    place = listening.place
    try:
        with socket.socket(place.family) as probe:
            probe.bind(
                place.address if place.family == socket.AF_UNIX else (place.address, place.port)
            )
    except OSError as exc:
        return exc.strerror or str(exc)
    return "gRPC could not listen there"
