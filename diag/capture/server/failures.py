"""What a failed gRPC call means, and what to do about it: one table.

Texts are matched only where the status code says too little. Sources: profiler_lock.h and
profiler_service_impl.cc of TensorFlow 2.21, gRPC's own status texts as of 1.85.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from diag.capture.server.transport_check import check_transport
from diag.errors import (
    CaptureError,
    CaptureTimeoutError,
    ProfilerBusyError,
    ProfilerDisabledError,
    ResponseTooLargeError,
    ServerUnreachableError,
    WrongProtocolError,
)

if TYPE_CHECKING:
    from diag.capture.server.connection import Connection

BUSY_TEXT = "Another profiling session active"
RECORDING = "recording"
_TOO_LARGE_TEXT = "larger than max"
_NOT_GRPC_TEXTS = ("http2 header", "content-type")

_BUSY_HINT = (
    "wait until the other capture (TensorBoard, a second diag, tf.profiler in the server) ends, "
    "then try again"
)


def explain(error: grpc.RpcError, connection: Connection, doing: str) -> CaptureError:
    """The error to raise ``from`` a gRPC one.

    Args:
        error: What the call raised.
        connection: Whom it was made to; if nothing ever answered, the port is asked why.
        doing: What was being done, e.g. ``RECORDING``.
    """
    code, details = error.code(), error.details() or ""
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return _unanswered(code, details, connection, doing)
    server = connection.target.given
    if any(text in details.lower() for text in _NOT_GRPC_TEXTS):
        return WrongProtocolError(
            f"{server} speaks HTTP, but not gRPC",
            cause=details,
            hint="a proxy may stand in between: give the replica's own address",
        )
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return profiler_disabled(server, details)
    if BUSY_TEXT in details or code == grpc.StatusCode.ALREADY_EXISTS:
        return profiler_busy(server, details)
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return _exhausted(server, details, doing)
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return CaptureError(
            f"{server} refused the call while {doing}",
            cause=_named(code, details),
            hint="give the credentials it wants as gRPC metadata: --headers-file FILE with lines "
            "like 'authorization: Bearer TOKEN'",
        )
    return CaptureError(
        f"{server} failed while {doing}",
        cause=_named(code, details),
        hint="look into the server's log; try again with a shorter --duration",
    )


def profiler_disabled(server: str, details: str) -> ProfilerDisabledError:
    """The server speaks gRPC and lacks the service."""
    return ProfilerDisabledError(
        f"{server} offers no profiler",
        cause=details or "tensorflow.ProfilerService is not registered",
        hint="start tensorflow_model_server without --enable_profiler=false; if it is another "
        "server, call tf.profiler.experimental.server.start(PORT) in it",
    )


def profiler_busy(server: str, details: str) -> ProfilerBusyError:
    """The server's only profiler is in use."""
    return ProfilerBusyError(
        f"{server} is being profiled by someone else", cause=details, hint=_BUSY_HINT
    )


def _unanswered(
    code: grpc.StatusCode, details: str, connection: Connection, doing: str
) -> CaptureError:
    server = connection.target.given
    if not connection.reached:
        found = check_transport(connection.target, connection.plan)
        if found is not None:
            return found
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return CaptureTimeoutError(
            f"{server} gave no answer in time while {doing}",
            cause=details,
            hint="record less (a shorter --duration, --host-tracer-level 1), or give it time to "
            "collect and send: --collect-timeout 5m"
            if doing == RECORDING
            else "its gRPC threads may all be busy (--grpc_max_threads); try again, or allow more "
            "with --timeout 60s",
        )
    gone = f"{server} went away while {doing}"
    return ServerUnreachableError(
        gone if connection.reached else f"{server} could not be reached",
        cause=details,
        hint="look whether the server still runs (did it crash, was it out of memory?) and at its "
        "log; then try a shorter --duration or --host-tracer-level 1"
        if connection.reached
        else "check host, port and network policy",
    )


def _exhausted(server: str, details: str, doing: str) -> CaptureError:
    if _TOO_LARGE_TEXT in details:
        return ResponseTooLargeError(
            f"the trace from {server} is larger than can be received",
            cause=details,
            hint="record less: a shorter --duration, --host-tracer-level 1 or --no-device-trace",
        )
    return CaptureError(
        f"{server} had no resources to answer while {doing}",
        cause=details,
        hint="all its gRPC threads are in use: try again, or raise --grpc_max_threads",
    )


def _named(code: grpc.StatusCode, details: str) -> str:
    return f"{code.name}: {details}" if details else str(code.name)
