"""Selects the trace source that fits the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.capture.tracers.probe import can_return_trace
from diag.capture.tracers.profiler_rpc import ProfilerRpc
from diag.capture.tracers.server_disk import ServerDisk, server_too_old

if TYPE_CHECKING:
    from diag.capture.plan import CapturePlan
    from diag.capture.server.connection import Connection
    from diag.capture.tracers.trace_source import TraceSource


def find_trace_source(connection: Connection, plan: CapturePlan) -> TraceSource:
    """Find out how this server provides traces. Nothing is recorded or written.

    Args:
        connection: To the server.
        plan: May name a folder shared with the server.

    Raises:
        ServerTooOldError: The server writes traces only to its own disk, and the plan names no
            shared folder.
        ProfilerBusyError: Someone else's continuous profiling session is running.
        ProfilerDisabledError: The server has no profiler service.
        CaptureError: The server does not answer as expected.
    """
    if can_return_trace(connection, plan.timeout_ns):
        return ProfilerRpc(connection, plan)
    if plan.repository is None:
        raise server_too_old(connection.target.given)
    return ServerDisk(connection, plan, plan.repository)
