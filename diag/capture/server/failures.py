"""Turns a failed gRPC call into an error that says what happened and what to do.

Status texts are matched only where the status code is ambiguous. Sources: profiler_lock.h and
profiler_service_impl.cc of TensorFlow 2.21, gRPC's own status texts as of 1.85.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from diag.capture.server.backoff import names_threads
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
PROBING = "checking its profiler"
_TOO_LARGE_TEXT = "larger than max"
_NOT_GRPC_TEXTS = ("http2 header", "content-type")

_BUSY_HINT = (
    "wait until the other capture (TensorBoard, a second diag, tf.profiler in the server) ends, "
    "then try again"
)
_RECORD_LESS = "a shorter `duration_ns`, `host_tracer_level` 1"


def explain(error: grpc.RpcError, connection: Connection, activity: str) -> CaptureError:
    """The error to raise ``from`` a gRPC error.

    Args:
        error: The error of the call.
        connection: The connection of the call; if the server never answered on it, the port is
            tested for other protocols.
        activity: What the call was for: ``RECORDING`` or ``PROBING``.
    """
    code, details = error.code(), error.details() or ""
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return _unanswered(code, details, connection, activity)
    server = connection.target.given
    if any(text in details.lower() for text in _NOT_GRPC_TEXTS):
        return WrongProtocolError(
            f"{server} speaks HTTP, but not gRPC",
            cause=details,
            hint="a proxy may be in between: use the address of the replica itself",
        )
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return profiler_disabled(server, details)
    if BUSY_TEXT in details or code == grpc.StatusCode.ALREADY_EXISTS:
        return ProfilerBusyError(
            f"someone else is profiling {server}", cause=details, hint=_BUSY_HINT
        )
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return _exhausted(server, details, activity)
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return CaptureError(
            f"{server} refused the call while {activity}",
            cause=_with_code(code, details),
            hint="pass credentials as gRPC metadata (`headers`), in lines like "
            "'authorization: Bearer TOKEN'",
            parameter="headers",
        )
    return CaptureError(
        f"{server} failed while {activity}",
        cause=_with_code(code, details),
        hint="read the server's log; try again with a shorter `duration_ns`",
    )


def profiler_disabled(server: str, details: str) -> ProfilerDisabledError:
    """The error for a server that speaks gRPC but has no profiler service.

    Args:
        server: The server's address as given.
        details: The server's own message, or "".
    """
    return ProfilerDisabledError(
        f"{server} has no profiler service",
        cause=details or "tensorflow.ProfilerService is not registered",
        hint="remove --enable_profiler=false from the options of tensorflow_model_server; in "
        "another server, call tf.profiler.experimental.server.start(PORT)",
    )


def _unanswered(
    code: grpc.StatusCode, details: str, connection: Connection, activity: str
) -> CaptureError:
    server = connection.target.given
    if not connection.reached:
        found = check_transport(connection.target, connection.options)
        if found is not None:
            return found
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return _timed_out(server, details, activity)
    if not connection.reached:
        return ServerUnreachableError(
            f"{server} could not be reached",
            cause=details,
            hint="check host, port and network policy",
        )
    return ServerUnreachableError(
        f"{server} went away while {activity}",
        cause=details,
        hint="check whether the server still runs (did it crash or run out of memory?) and read "
        f"its log; then record less: {_RECORD_LESS}",
    )


def _timed_out(server: str, details: str, activity: str) -> CaptureTimeoutError:
    hint = (
        f"record less ({_RECORD_LESS}), or allow more time to collect and send the trace "
        "(`collect_timeout_ns`)"
        if activity == RECORDING
        else "all its gRPC threads may be busy (the server's --grpc_max_threads); try again, or "
        "allow more time (`timeout_ns`)"
    )
    return CaptureTimeoutError(
        f"{server} did not answer in time while {activity}", cause=details, hint=hint
    )


def _exhausted(server: str, details: str, activity: str) -> CaptureError:
    if _TOO_LARGE_TEXT in details:
        return ResponseTooLargeError(
            f"the trace from {server} is larger than the largest accepted answer",
            cause=details,
            hint=f"record less: {_RECORD_LESS}, or no GPUs (`device_trace`)",
        )
    if names_threads(details):
        return CaptureError(
            f"{server} had no resources to answer while {activity}",
            cause=details,
            hint="all its gRPC threads are in use: try again, or raise the server's "
            "--grpc_max_threads",
        )
    return CaptureError(
        f"{server} had no resources to answer while {activity}",
        cause=details,
        hint="read the cause, and try again: a quota of a proxy or a lack of memory ends calls so",
    )


def _with_code(code: grpc.StatusCode, details: str) -> str:
    return f"{code.name}: {details}" if details else str(code.name)
