"""AgentServer: the agent's calls on a gRPC port, with its token asked for before anything else."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

from diag.capture.agent.protocol import AUTHORIZATION, REQUEST_MAX_BYTES, SERVICE
from diag.capture.agent.token import is_authorized
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
    from collections.abc import Callable, Iterator
    from typing import Any

    from diag.capture.agent.listen import Listening
    from diag.capture.agent.service import AgentService

# Calls beside the streams: descriptions, clocks, and those that are refused.
_OTHER_CALLS = 8
_GRACE_S = 2.0
_OWNER_ONLY = 0o177  # as a umask


class AgentServer:
    """An agent that listens from ``start`` to ``stop``.

    Attributes:
        address: Where, with the port that was free if any was asked for.
    """

    def __init__(self, listening: Listening, service: AgentService) -> None:
        """Take the address.

        Args:
            listening: Where and how.
            service: What answers.

        Raises:
            UsageError: The address or a certificate cannot be used.
        """
        self._service = service
        limits = service.visits.limits
        calls_max = limits.clients_max + limits.waiting_max + _OTHER_CALLS
        doorman = [_Doorman(listening.token, service)] if listening.token else []
        self._server = grpc.server(
            ThreadPoolExecutor(calls_max, thread_name_prefix="diag-agent"),
            interceptors=doorman,
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
        self._service.visits.send_overdue_away()

    def stop(self) -> None:
        """End streams with what they have, then all else."""
        self._service.stop()
        self._server.stop(_GRACE_S).wait()


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


class _Doorman(grpc.ServerInterceptor):  # type: ignore[misc]
    """Lets nobody in without the token, whatever they call."""

    def __init__(self, token: str, service: AgentService) -> None:
        self._token = token
        self._visits = service.visits

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """The handler of the call, or one that refuses it."""
        values = [value for name, value in details.invocation_metadata if name == AUTHORIZATION]
        if len(values) == 1 and is_authorized(self._token, values[0]):
            return continuation(details)
        text = "the token is not the agent's" if values else "the agent wants a token"

        def refuse(requests: Iterator[Any], context: grpc.ServicerContext) -> None:
            del requests
            self._visits.log_refusal(context, text)
            context.abort(grpc.StatusCode.UNAUTHENTICATED, text)

        # As a stream it is refused at once; else a call without a message would hold a thread.
        return grpc.stream_stream_rpc_method_handler(refuse)


def _bind(server: grpc.Server, listening: Listening) -> str:
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


def _bind_failure(listening: Listening) -> str:
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
