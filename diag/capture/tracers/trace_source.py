"""TraceSource: what a capture needs of anything that records traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class TraceRecording:
    """One recorded trace.

    Attributes:
        xspace: The trace, an encoded XSpace; empty if nothing was recorded.
        sent_unix_ns: This machine's wall clock just before the recording was requested.
        received_unix_ns: This machine's wall clock just after the whole trace had arrived.
    """

    xspace: bytes
    sent_unix_ns: int
    received_unix_ns: int


class TraceSource(Protocol):
    """Records traces of one running process.

    A capture uses nothing else of a source, so that a new kind of process needs only a new
    implementation here and a line in ``selection``.
    """

    @property
    def name(self) -> str:
        """How the trace is obtained, as the manifest records it: ``inline`` or ``own-disk``."""

    def record(
        self,
        duration_ns: int,
        tracer_level: int,
        *,
        keep: bool = True,
        stop_requested: Callable[[], bool] = lambda: False,
        on_tick: Callable[[int], None] = lambda elapsed_ns: None,
    ) -> TraceRecording:
        """Record once; a failed recording is not repeated.

        No profiling session is left behind, whether this returns or raises.

        Args:
            duration_ns: Length of the recording, rounded down to whole milliseconds.
            tracer_level: Host tracer level, 1 to 3.
            keep: False if the trace is thrown away: files that the process wrote are removed.
            stop_requested: Polled several times a second; once it returns True, the recording ends
                early and keeps its data.
            on_tick: Called several times a second with the time since the start in ns.

        Raises:
            CaptureError: The process refused, failed, went away or did not answer in time.
            KeyboardInterrupt: A signal arrived that discards the recording.
        """
