"""Recorder: recording in the way this server can, inline or by way of its own disk."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.capture.plan import MS, SECOND
from diag.capture.tracers.probe import TraceDelivery
from diag.capture.tracers.profile_call import TraceRecording, profile_request, record
from diag.capture.tracers.session_ids import new_session_id
from diag.errors import CaptureError, InputError, ServerTooOldError
from diag.formats.regular_file import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diag.capture.plan import ServerRepository
    from diag.capture.server.connection import Connection

_POLL_S = 0.1
# The server names the file <host_name>.xplane.pb (tsl/profiler/rpc/client/save_profile.cc).
_SUFFIX = ".xplane.pb"


class Recorder:
    """Makes recordings over one connection."""

    def __init__(self, connection: Connection, delivery: TraceDelivery) -> None:
        """Prepare.

        Args:
            connection: To the server.
            delivery: What ``probe_profiler`` found.

        Raises:
            ServerTooOldError: The trace would stay on the server's disk and the plan names no
                folder that both sides see.
        """
        self._connection = connection
        plan = connection.plan
        self._repository = plan.repository if delivery is TraceDelivery.OWN_DISK else None
        if delivery is TraceDelivery.OWN_DISK and plan.repository is None:
            raise _too_old(connection.target.given)

    def record(
        self,
        duration_ns: int,
        tracer_level: int,
        *,
        keep: bool = True,
        stop_asked: Callable[[], bool] = lambda: False,
        on_tick: Callable[[int], None] = lambda elapsed_ns: None,
    ) -> TraceRecording:
        """Record once.

        Args:
            duration_ns: Rounded down to milliseconds.
            tracer_level: 1 to 3.
            keep: If false, what an older server wrote is removed again.
            stop_asked: As of ``profiler.record``.
            on_tick: As of ``profiler.record``.

        Raises:
            CaptureError: As ``profiler.record``, or the trace cannot be had.
        """
        plan = self._connection.plan
        request = profile_request(
            duration_ns // MS,
            tracer_level,
            device_trace=plan.device_trace,
            session_id=new_session_id(),
        )
        if self._repository is not None:
            request.emit_xspace = False
            request.repository_root = self._repository.root
        recording = record(self._connection, request, stop_asked=stop_asked, on_tick=on_tick)
        if recording.xspace is not None or recording.is_empty:
            return recording
        if self._repository is None:
            raise _too_old(self._connection.target.given)
        folder = self._repository.local / request.session_id
        data = self._read_written(folder / f"{request.host_name}{_SUFFIX}", request.session_id)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        return replace(recording, xspace=data)

    def _read_written(self, path: Path, session_id: str) -> bytes:
        """What the server wrote; on a network folder it may show a little later."""
        plan = self._connection.plan
        deadline_s = time.monotonic() + plan.timeout_ns / SECOND
        while not path.is_file():
            if time.monotonic() > deadline_s:
                raise _not_there(path, self._repository, session_id)
            time.sleep(_POLL_S)
        try:
            return read_regular(path, plan.receive_max_bytes)
        except InputError as exc:
            raise CaptureError(exc.message, cause=exc.cause, hint=exc.hint) from exc


def _too_old(server: str) -> ServerTooOldError:
    return ServerTooOldError(
        f"{server} cannot send its trace, it only writes it to its own disk",
        cause="it runs a TensorFlow before 2.21: it knows no GetSnapshot and no emit_xspace",
        hint="name a folder that server and you share: --repository-root DIR (as the server sees "
        "it) --repository-local DIR (as you do);\n"
        "without one, profile it with TensorBoard and fetch the file: docker cp CONTAINER:DIR . "
        "or kubectl cp POD:DIR DIR, then: diag analyze DIR",
    )


def _not_there(path: Path, repository: ServerRepository | None, session_id: str) -> CaptureError:
    written = f"{repository.root if repository else ''}/{session_id}"
    return CaptureError(
        f"the server recorded, but {path} did not appear",
        cause=f"on its own disk the trace should be in {written}",
        hint="check that --repository-root and --repository-local are the same folder, or fetch "
        f"it: docker cp CONTAINER:{written} . or kubectl cp POD:{written} {session_id}",
    )
