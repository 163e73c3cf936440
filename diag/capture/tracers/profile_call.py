"""One ``Profile`` call: it can be ended early, and its session on the server always ends."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from diag.capture.plan import MS, SECOND
from diag.capture.server import failures
from diag.capture.server.backoff import Backoff, is_out_of_threads, is_refused
from diag.capture.server.connection import TICK_S
from diag.capture.tracers.probe import PROFILE, TERMINATE
from diag.capture.tracers.session_ids import new_session_id
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
# Time in which a server without a free thread is asked again to record.
REFUSED_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class ProfileAnswer:
    """The server's answer to ``Profile``.

    Attributes:
        xspace: The encoded trace; None if the answer holds none.
        is_empty: Whether the server says that it recorded nothing.
        sent_unix_ns: This machine's wall clock just before the call.
        received_unix_ns: This machine's wall clock just after the answer had arrived.
    """

    xspace: bytes | None
    is_empty: bool
    sent_unix_ns: int
    received_unix_ns: int


def profile_request(duration_ms: int, tracer_level: int, *, device_trace: bool) -> ProfileRequest:
    """A request that asks for the trace in the answer, with a new session id.

    Args:
        duration_ms: Length of the recording.
        tracer_level: Host tracer level, 1 to 3.
        device_trace: Whether to trace GPUs.
    """
    options = ProfileOptions(
        version=1,
        duration_ms=duration_ms,  # the server reads this one, not the request's own field
        host_tracer_level=tracer_level,
        device_tracer_level=1 if device_trace else 0,
        python_tracer_level=0,
        include_dataset_ops=True,
        enable_hlo_proto=False,
    )
    return ProfileRequest(
        duration_ms=duration_ms,
        opts=options,
        session_id=new_session_id(),
        host_name="server",
        emit_xspace=True,
    )


def call_profile(
    connection: Connection,
    request: ProfileRequest,
    collect_timeout_ns: int,
    stop_requested: Callable[[], bool],
    on_tick: Callable[[int], None],
) -> ProfileAnswer:
    """Call ``Profile`` and wait for the answer.

    Only a call that the server refused at once, such as for lack of threads, is made again: no
    session began.

    However this ends, the session on the server ends too: by ``Terminate`` and, if the answer is
    not awaited, by cancelling the call, upon which the server drops the data and frees its
    profiler.

    Args:
        connection: To the server.
        request: Of ``profile_request``.
        collect_timeout_ns: Time allowed for the answer after the recording.
        stop_requested: Polled; once it returns True, the recording ends early and keeps its data.
        on_tick: Called several times a second with the time since the start in ns.

    Raises:
        CaptureError: The server refused, failed, went away or did not answer in time.
        KeyboardInterrupt: A signal arrived that discards the recording.
    """
    backoff = Backoff(REFUSED_LIMIT_S, connection.interrupts)
    while True:
        with connection.interrupts.shield():
            answer = _call(connection, request, collect_timeout_ns, stop_requested, on_tick)
        if isinstance(answer, ProfileAnswer):
            return answer
        connection.refused += is_out_of_threads(answer)
        if stop_requested() or not backoff.pause():
            raise failures.explain(answer, connection, failures.RECORDING) from answer


def _call(
    connection: Connection,
    request: ProfileRequest,
    collect_timeout_ns: int,
    stop_requested: Callable[[], bool],
    on_tick: Callable[[int], None],
) -> ProfileAnswer | grpc.RpcError:
    """The answer, or the error of a call that was refused before a session began."""
    timeout_s = request.opts.duration_ms / 1e3 + collect_timeout_ns / SECOND
    answered = threading.Event()
    sent_unix_ns, started_ns = time.time_ns(), time.monotonic_ns()
    call = connection.start(PROFILE, request, ProfileResponse, timeout_s)
    received: list[int] = []

    def stamp(_: grpc.Future) -> None:
        received.append(time.time_ns())
        answered.set()

    call.add_done_callback(stamp)
    is_stopping = False
    try:
        while not answered.wait(TICK_S):
            connection.interrupts.check()
            on_tick(time.monotonic_ns() - started_ns)
            if not is_stopping and stop_requested():
                is_stopping = True
                _terminate(connection, request.session_id)
    finally:
        if not answered.is_set():
            call.cancel()
            _terminate(connection, request.session_id)
    try:
        response: ProfileResponse = call.result()
    except grpc.RpcError as exc:
        connection.note(exc)
        is_early = time.monotonic_ns() - started_ns < request.opts.duration_ms * MS
        if connection.options.retry_refused and is_early and is_refused(exc):
            return exc
        if exc.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            _terminate(connection, request.session_id)
        raise failures.explain(exc, connection, failures.RECORDING) from exc
    xspace = response.xspace if response.HasField("xspace") else None
    return ProfileAnswer(xspace, response.empty_trace, sent_unix_ns, received[0])


def _terminate(connection: Connection, session_id: str) -> None:
    """Ask the server to end the session; a failure is ignored, the session may have ended."""
    try:
        connection.call(
            TERMINATE,
            TerminateRequest(session_id=session_id),
            TerminateResponse,
            _TERMINATE_TIMEOUT_S,
        )
    except grpc.RpcError as exc:
        connection.note(exc)
