"""Finds out what the server's profiler can do without recording or writing anything."""

from __future__ import annotations

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


def can_return_trace(connection: Connection, timeout_ns: int) -> bool:
    """Whether the server returns traces in its answers: TensorFlow 2.21 and newer.

    ``GetSnapshot`` and ``emit_xspace`` both exist since 2.21. Without a continuous session,
    ``GetSnapshot`` answers NOT_FOUND. ``Terminate`` of an unknown session has no effect in any
    version.

    Args:
        connection: To the server.
        timeout_ns: Time allowed for each call.

    Raises:
        ProfilerBusyError: Someone else's continuous profiling session is running.
        ProfilerDisabledError: The server has no profiler service.
        CaptureError: The server does not answer as expected.
    """
    code = _code(connection, SNAPSHOT, timeout_ns)
    if code == grpc.StatusCode.NOT_FOUND:
        return True
    if code in (None, grpc.StatusCode.RESOURCE_EXHAUSTED):
        raise ProfilerBusyError(
            f"someone else is profiling {connection.target.given} continuously",
            cause="the server answered GetSnapshot with a trace",
            hint="end that session first (StopContinuousProfiling), or ask its owner for the trace",
        )
    if _code(connection, TERMINATE, timeout_ns) == grpc.StatusCode.UNIMPLEMENTED:
        raise failures.profiler_disabled(connection.target.given, "")
    return False


def _code(connection: Connection, method: str, timeout_ns: int) -> grpc.StatusCode | None:
    """The status of a call that changes nothing on the server; None is success.

    Raises:
        CaptureError: The status says nothing about the profiler.
    """
    timeout_s = timeout_ns / SECOND
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
        raise failures.explain(exc, connection, failures.PROBING) from exc
    return None
