"""Finds out what the server's profiler can do, without making it record or write anything."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import grpc

from diag.capture.plan import SECOND
from diag.capture.server import failures
from diag.capture.tracers.session_ids import new_session_id
from diag.errors import ProfilerBusyError
from diag.formats.wire.profiler_pb2 import (
    GetSnapshotRequest,
    ProfileResponse,
    TerminateRequest,
    TerminateResponse,
)

if TYPE_CHECKING:
    from diag.capture.server.connection import Connection

# package tensorflow, service ProfilerService: tsl/profiler/protobuf/profiler_service.proto
SERVICE = "/tensorflow.ProfilerService/"
SNAPSHOT = SERVICE + "GetSnapshot"
TERMINATE = SERVICE + "Terminate"
PROFILE = SERVICE + "Profile"


class TraceDelivery(enum.Enum):
    """How a server hands out its trace."""

    INLINE = "inline"
    OWN_DISK = "own-disk"


def probe_profiler(connection: Connection) -> TraceDelivery:
    """Tell TensorFlow 2.21 and newer from older ones.

    ``GetSnapshot`` exists since 2.21, which is also when ``emit_xspace`` came; with no continuous
    session it answers NOT_FOUND. ``Terminate`` of an unknown session exists in all and does
    nothing.

    Raises:
        ProfilerBusyError: A continuous session of someone else is running.
        ProfilerDisabledError: There is no profiler service.
        CaptureError: The server does not answer as a server does.
    """
    code = _code(connection, SNAPSHOT)
    if code == grpc.StatusCode.NOT_FOUND:
        return TraceDelivery.INLINE
    if code in (None, grpc.StatusCode.RESOURCE_EXHAUSTED):
        raise ProfilerBusyError(
            f"{connection.target.given} is being profiled continuously by someone else",
            cause="it answered GetSnapshot with a trace",
            hint="end that session first (StopContinuousProfiling), or ask its owner for the trace",
        )
    if _code(connection, TERMINATE) == grpc.StatusCode.UNIMPLEMENTED:
        raise failures.profiler_disabled(connection.target.given, "")
    return TraceDelivery.OWN_DISK


def _code(connection: Connection, method: str) -> grpc.StatusCode | None:
    """The status a harmless call ends with; None is success.

    Raises:
        CaptureError: It ended with one that says nothing about the profiler.
    """
    timeout_s = connection.plan.timeout_ns / SECOND
    try:
        if method == SNAPSHOT:
            connection.call(method, GetSnapshotRequest(), ProfileResponse, timeout_s)
        else:
            request = TerminateRequest(session_id=new_session_id())
            connection.call(method, request, TerminateResponse, timeout_s)
    except grpc.RpcError as exc:
        details = exc.details() or ""
        known = exc.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED)
        too_large = exc.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and "larger" in details
        if (known and "http2 header" not in details) or too_large:
            return exc.code()
        raise failures.explain(exc, connection, "asking for its profiler") from exc
    return None
