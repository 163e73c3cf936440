"""ServerDisk: a trace source for servers that write the trace to their own disk."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from diag.capture.plan import MS, SECOND
from diag.capture.tracers.profile_call import call_profile, profile_request
from diag.capture.tracers.trace_source import TraceRecording
from diag.errors import CaptureError, InputError, ServerTooOldError
from diag.formats.regular_file import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diag.capture.plan import CapturePlan, ServerRepository
    from diag.capture.server.connection import Connection

_POLL_S = 0.1
# The server names the file <host_name>.xplane.pb (tsl/profiler/rpc/client/save_profile.cc).
_SUFFIX = ".xplane.pb"


class ServerDisk:
    """Records on servers before TensorFlow 2.21; a TraceSource.

    The server writes the trace into a folder that this machine can read as well.
    """

    name = "own-disk"

    def __init__(
        self, connection: Connection, plan: CapturePlan, repository: ServerRepository
    ) -> None:
        """Use a connection to the server.

        Args:
            connection: To the server.
            plan: Says whether GPUs are traced, and the time allowed for calls.
            repository: The shared folder, as the server and as this machine name it.
        """
        self._connection = connection
        self._plan = plan
        self._repository = repository

    def record(
        self,
        duration_ns: int,
        tracer_level: int,
        *,
        keep: bool = True,
        stop_requested: Callable[[], bool] = lambda: False,
        on_tick: Callable[[int], None] = lambda elapsed_ns: None,
    ) -> TraceRecording:
        """See ``TraceSource.record``.

        Raises:
            CaptureError: As ``TraceSource.record``, or the file did not appear in the folder.
        """
        request = profile_request(
            duration_ns // MS, tracer_level, device_trace=self._plan.device_trace
        )
        request.emit_xspace = False
        request.repository_root = self._repository.root
        answer = call_profile(
            self._connection, request, self._plan.collect_timeout_ns, stop_requested, on_tick
        )
        xspace = answer.xspace
        if xspace is None and not answer.is_empty:
            folder = self._repository.local / request.session_id
            xspace = self._read_written(folder / f"{request.host_name}{_SUFFIX}")
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)
        return TraceRecording(xspace or b"", answer.sent_unix_ns, answer.received_unix_ns)

    def _read_written(self, path: Path) -> bytes:
        """Read the server's file; on a network folder it may appear with a delay."""
        plan = self._plan
        deadline_s = time.monotonic() + plan.timeout_ns / SECOND
        while not path.is_file():
            if time.monotonic() > deadline_s:
                raise self._not_there(path)
            time.sleep(_POLL_S)
        try:
            return read_regular(path, plan.receive_max_bytes)
        except InputError as exc:
            raise CaptureError(exc.message, cause=exc.cause, hint=exc.hint) from exc

    def _not_there(self, path: Path) -> CaptureError:
        session_id = path.parent.name
        written = f"{self._repository.root}/{session_id}"
        return CaptureError(
            f"the server recorded a trace, but {path} did not appear",
            cause=f"the server was asked to write the trace to {written} on its own disk",
            hint="check that `repository.root` and `repository.local` name the same folder, or "
            f"fetch the trace: docker cp CONTAINER:{written} . or "
            f"kubectl cp POD:{written} {session_id}",
        )


def server_too_old(server: str) -> ServerTooOldError:
    """The error for a server that cannot return its trace and has no shared folder.

    Args:
        server: The server's address as given.
    """
    return ServerTooOldError(
        f"{server} cannot return a trace; it can only write the trace to its own disk",
        cause="the server runs a TensorFlow before 2.21, without GetSnapshot and emit_xspace",
        hint="name a folder that the server and this machine share: `repository.root` is its path "
        "on the server, `repository.local` its path here.\n"
        "Without a shared folder, profile the server with TensorBoard and fetch the trace: "
        "docker cp CONTAINER:DIR . or kubectl cp POD:DIR DIR, then: diag analyze DIR",
        parameter="repository",
    )
