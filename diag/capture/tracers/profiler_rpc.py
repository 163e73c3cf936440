"""ProfilerRpc: a trace source for servers that return the trace in the answer to Profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.capture.plan import MS
from diag.capture.tracers.profile_call import call_profile, profile_request
from diag.capture.tracers.server_disk import server_too_old
from diag.capture.tracers.trace_source import TraceRecording

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.plan import CapturePlan
    from diag.capture.server.connection import Connection


INLINE = "inline"  # the name of this source in manifests


class ProfilerRpc:
    """Records over ``tensorflow.ProfilerService``; a TraceSource.

    Needs TensorFlow 2.21 or newer on the server.
    """

    name = INLINE

    def __init__(self, connection: Connection, plan: CapturePlan) -> None:
        """Use a connection to the server; the plan says whether GPUs are traced."""
        self._connection = connection
        self._plan = plan

    def record(
        self,
        duration_ns: int,
        tracer_level: int,
        *,
        keep: bool = True,
        stop_requested: Callable[[], bool] = lambda: False,
        on_tick: Callable[[int], None] = lambda elapsed_ns: None,
    ) -> TraceRecording:
        """See ``TraceSource.record``; ``keep`` has no effect, because nothing is written.

        Raises:
            ServerTooOldError: The answer holds neither a trace nor the mark of an empty one.
            CaptureError: As ``TraceSource.record``.
        """
        del keep
        request = profile_request(
            duration_ns // MS, tracer_level, device_trace=self._plan.device_trace
        )
        answer = call_profile(
            self._connection, request, self._plan.collect_timeout_ns, stop_requested, on_tick
        )
        if answer.xspace is None and not answer.is_empty:
            raise server_too_old(self._connection.target.given)
        return TraceRecording(answer.xspace or b"", answer.sent_unix_ns, answer.received_unix_ns)
