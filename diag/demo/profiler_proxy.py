"""tensorflow.ProfilerService on the serving port, forwarded to TensorFlow's own server.

TensorFlow's in-process profiler server cannot share a port with Python's gRPC. It listens on
another port, and this proxy forwards bytes to it. The inner server writes to any path that a caller
names; the proxy refuses requests that would make it write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from google.protobuf.message import DecodeError

from diag.formats.wire.profiler_pb2 import ProfileRequest

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/tensorflow.ProfilerService/"
# tsl/profiler/protobuf/profiler_service.proto, TensorFlow 2.21.
STARTING_METHODS = ("Profile", "StartContinuousProfiling")
METHODS_SINCE_2_21 = ("StartContinuousProfiling", "StopContinuousProfiling", "GetSnapshot")
_METHODS = ("Profile", "Terminate", "Monitor", *METHODS_SINCE_2_21)


@dataclass(frozen=True, slots=True)
class ProxyPolicy:
    """What the proxy forwards.

    Attributes:
        allow_writes: Whether to forward requests that make the server write traces to its disk.
        emulate_2_20: Whether to behave as TensorFlow 2.20 and older: traces are never returned
            inline, and the methods for continuous profiling do not exist.
    """

    allow_writes: bool = False
    emulate_2_20: bool = False


class ProfilerProxy(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Forwards the methods of ProfilerService; create it before the server accepts requests."""

    def __init__(self, inner_address: str, policy: ProxyPolicy) -> None:
        self._policy = policy
        self._channel = grpc.insecure_channel(
            inner_address,
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
            ],
        )

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        """Return a handler for the methods of ProfilerService, None for others; called by gRPC."""
        path: str = handler_call_details.method
        if not path.startswith(PREFIX):
            return None
        method = path[len(PREFIX) :]
        if method not in _METHODS:
            return None
        if self._policy.emulate_2_20 and method in METHODS_SINCE_2_21:
            return None
        return grpc.unary_unary_rpc_method_handler(self._forwarder(path, method))

    def close(self) -> None:
        """Close the channel to the inner server."""
        self._channel.close()

    def _forwarder(self, path: str, method: str) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        call = self._channel.unary_unary(path)

        def forward(request: bytes, context: grpc.ServicerContext) -> bytes:
            if method in STARTING_METHODS:
                request = self._vetted(method, request, context)
            pending = call.future(request, timeout=_deadline_s(context))
            context.add_callback(pending.cancel)  # a cancelled call ends the recording
            try:
                response: bytes = pending.result()
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
            except grpc.FutureCancelledError:
                context.abort(grpc.StatusCode.CANCELLED, "the caller cancelled")
            return response

        return forward

    def _vetted(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            asked = ProfileRequest.FromString(request)
        except DecodeError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"not a ProfileRequest: {error}")
        if self._policy.emulate_2_20:
            asked.ClearField("emit_xspace")  # unknown to that server
        # Continuous sessions return their snapshots inline whatever was asked.
        is_written = method == "Profile" and not asked.emit_xspace
        if not self._policy.allow_writes and (asked.repository_root or is_written):
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                "this request would make the server write to its own disk (repository_root is set "
                "or emit_xspace is not); the demo server allows that only with "
                "--allow-server-writes",
            )
        return asked.SerializeToString()  # fields we do not know included


def _deadline_s(context: grpc.ServicerContext) -> float | None:
    """Seconds left; None where the caller set no deadline (gRPC then reports 9.2e18)."""
    remaining: float | None = context.time_remaining()
    return None if remaining is None or remaining > 1e9 else remaining
