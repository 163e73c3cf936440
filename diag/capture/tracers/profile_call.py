"""Recording: one Profile call, ended early when asked to, and always ended on the server too."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from diag.capture.plan import SECOND
from diag.capture.server import failures
from diag.capture.server.connection import TICK_S
from diag.capture.tracers.probe import PROFILE, TERMINATE
from diag.formats.wire.profiler_pb2 import (
    ProfileOptions,
    ProfileRequest,
    ProfileResponse,
    TerminateRequest,
    TerminateResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.server.connection import Connection

_TERMINATE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class TraceRecording:
    """What the server answered.

    Attributes:
        session_id: As sent.
        xspace: The trace's bytes; None if the server kept it or had none.
        is_empty: The server says that it recorded nothing.
        sent_unix_ns: This machine's wall clock before the call.
        received_unix_ns: And after the answer had arrived.
    """

    session_id: str
    xspace: bytes | None
    is_empty: bool
    sent_unix_ns: int
    received_unix_ns: int


def profile_request(
    duration_ms: int, tracer_level: int, *, device_trace: bool, session_id: str
) -> ProfileRequest:
    """A request for a trace in the response.

    Args:
        duration_ms: Goes into the options; the server ignores the one beside them.
        tracer_level: 1 to 3.
        device_trace: Whether to trace GPUs.
        session_id: For Terminate.
    """
    options = ProfileOptions(
        version=1,
        duration_ms=duration_ms,
        host_tracer_level=tracer_level,
        device_tracer_level=1 if device_trace else 0,
        python_tracer_level=0,
        include_dataset_ops=True,
        enable_hlo_proto=False,
    )
    return ProfileRequest(
        duration_ms=duration_ms,
        opts=options,
        session_id=session_id,
        host_name="server",
        emit_xspace=True,
    )


def record(
    connection: Connection,
    request: ProfileRequest,
    *,
    stop_asked: Callable[[], bool] = lambda: False,
    on_tick: Callable[[int], None] = lambda elapsed_ns: None,
) -> TraceRecording:
    """Record once; never tried again.

    However this is left, the server's session is ended: by ``Terminate`` and, when the answer is
    not waited for, by cancelling the call, upon which the server drops the data and frees its
    profiler.

    Args:
        connection: To the server.
        request: Of ``profile_request``.
        stop_asked: Polled; when true, the recording is ended early and its data kept.
        on_tick: Called several times a second with the time since the start.

    Raises:
        CaptureError: The server refused, failed, went away or did not answer in time.
        KeyboardInterrupt: A signal that is not to keep anything.
    """
    with connection.interrupts.shield():
        return _record(connection, request, stop_asked, on_tick)


def _record(
    connection: Connection,
    request: ProfileRequest,
    stop_asked: Callable[[], bool],
    on_tick: Callable[[int], None],
) -> TraceRecording:
    timeout_s = request.opts.duration_ms / 1e3 + connection.plan.collect_timeout_ns / SECOND
    answered = threading.Event()
    sent_unix_ns, started_ns = time.time_ns(), time.monotonic_ns()
    call = connection.start(PROFILE, request, ProfileResponse, timeout_s)
    received: list[int] = []

    def stamp(_: grpc.Future) -> None:
        received.append(time.time_ns())
        answered.set()

    call.add_done_callback(stamp)
    asked = False
    try:
        while not answered.wait(TICK_S):
            connection.interrupts.check()
            on_tick(time.monotonic_ns() - started_ns)
            if not asked and stop_asked():
                asked = True
                terminate(connection, request.session_id)
    finally:
        if not answered.is_set():
            call.cancel()
            terminate(connection, request.session_id)
    try:
        response: ProfileResponse = call.result()
    except grpc.RpcError as exc:
        connection.note(exc)
        if exc.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            terminate(connection, request.session_id)
        raise failures.explain(exc, connection, failures.RECORDING) from exc
    xspace = response.xspace if response.HasField("xspace") else None
    return TraceRecording(
        request.session_id, xspace, response.empty_trace, sent_unix_ns, received[0]
    )


def terminate(connection: Connection, session_id: str) -> None:
    """Ask the server to end the session; best effort, for it may be over already."""
    try:
        connection.call(
            TERMINATE,
            TerminateRequest(session_id=session_id),
            TerminateResponse,
            _TERMINATE_TIMEOUT_S,
        )
    except grpc.RpcError as exc:
        connection.note(exc)
