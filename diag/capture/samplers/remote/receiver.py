"""Receiver: a thread that collects the samples that an agent streams."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from diag.capture.samplers.remote.agent_errors import reason_of_failure, shorten
from diag.capture.samplers.remote.protocol import DURATION_MAX_NS, SAMPLE
from diag.formats.text.samples import SAMPLES_MAX
from diag.formats.wire.agent_pb2 import SampleReply, SampleRequest, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from diag.capture.server.connection import Connection

# Eight GPUs give about 25 kB/s at 20 Hz and 110 kB/s at 100 Hz: in ten minutes 64 MiB and up to
# 300,000 lines, most of them the driver's own samples. An agent that sends more or faster is cut
# off, because decoded samples take up to ten times the memory.
_KEPT_AT_ONCE_BYTES = 8 << 20
_KEPT_BYTES_PER_S = 512 << 10
_KEPT_MAX_BYTES = 64 << 20
_KEPT_MAX_LINES = 500_000


@dataclass(slots=True)
class Received:
    """What an agent sent of one source.

    Attributes:
        header: The latest header line.
        lines: Sample lines in order of arrival, in chunks.
        dropped: Samples that the agent dropped.
        read_max_ns: Duration of the longest reading in ns.
        unavailable: The agent's reason why there are no samples, or "".
        refused: Why the samples are invalid, or ""; continues "the agent at HOST:PORT ".
    """

    header: bytes = b""
    lines: list[bytes] = field(default_factory=list)
    dropped: int = 0
    read_max_ns: int = 0
    unavailable: str = ""
    refused: str = ""

    def take(self) -> bytes:
        """Header and lines as one text; the lines are removed from here."""
        data = b"".join((self.header, b"\n", *self.lines))
        self.lines.clear()
        return data


class Receiver:
    """One stream of samples from an agent.

    gRPC runs on other threads than the main thread, because signals interrupt the main thread and
    must not interrupt gRPC.

    Attributes:
        received: What arrived, by source; read it after ``stop``.
        lost: Why the stream ended before ``stop``, or "".
        lost_after_ns: Time from the start to that end in ns.
    """

    def __init__(self, connection: Connection, wanted: Mapping[str, int]) -> None:
        """Prepare.

        Args:
            connection: To the agent.
            wanted: Period in ns by source; 0 for the source's default.
        """
        self._connection = connection
        self._wanted = wanted
        self._call: grpc.Call | None = None
        self._kept_bytes = 0
        self._kept_lines = 0
        self._started_ns = 0
        self._all_started = threading.Event()
        self._stop_event = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="diag-agent-receiver", daemon=True)
        self.received = {source: Received() for source in wanted}
        self.lost = ""
        self.lost_after_ns = 0

    def start(self, timeout_s: float) -> None:
        """Start, and wait until the agent samples every source or reports why it cannot."""
        self._started_ns = time.monotonic_ns()
        self._thread.start()
        self._all_started.wait(timeout_s)

    def stop(self, timeout_s: float) -> None:
        """End the stream and wait for the remaining samples."""
        self._is_stopping = True
        self._stop_event.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._lose("did not end the stream in time")

    def close(self) -> None:
        """Stop without waiting; closing the connection ends the thread."""
        self._is_stopping = True
        self._stop_event.set()

    def _run(self) -> None:
        try:
            for reply in self._connection.stream(SAMPLE, self._requests(), SampleReply):
                if not self._is_within_limits(reply):
                    # Leaving the loop ends the stream; gRPC limits what is still in flight.
                    self._lose("sent more samples than are accepted")
                    return
                self._keep(reply)
            if not self._is_stopping:
                self._lose("ended the stream")
        except grpc.RpcError as exc:
            self._lose(reason_of_failure(exc, self._connection))
        finally:
            self._all_started.set()
            self._stop_event.set()

    def _requests(self) -> Iterator[SampleRequest]:
        """The request; the end of this iterator tells the agent to stop."""
        yield SampleRequest(
            wanted=[
                Wanted(source=source, period_ns=period_ns)
                for source, period_ns in self._wanted.items()
            ]
        )
        self._stop_event.wait()

    def _is_within_limits(self, reply: SampleReply) -> bool:
        """Count a reply's size and return whether it is within the limits."""
        self._kept_bytes += len(reply.lines)
        self._kept_lines += reply.lines.count(b"\n")
        lasted_ns = time.monotonic_ns() - self._started_ns
        most_bytes = _KEPT_AT_ONCE_BYTES + _KEPT_BYTES_PER_S * lasted_ns // 10**9
        return (
            self._kept_bytes <= min(most_bytes, _KEPT_MAX_BYTES)
            and self._kept_lines <= _KEPT_MAX_LINES
        )

    def _keep(self, reply: SampleReply) -> None:
        part = self.received.get(reply.source)
        if part is None:
            return
        if reply.ended and not self._is_stopping:
            self._lose(f"ended the stream: {shorten(reply.ended)}")
        impossible = _impossible(reply)
        if impossible:
            part.refused = impossible
        elif reply.unavailable:
            part.unavailable = shorten(reply.unavailable)
        else:
            part.header, _, lines = reply.lines.partition(b"\n")
            if lines:
                part.lines.append(lines)
            part.dropped, part.read_max_ns = reply.dropped, reply.read_max_ns
        if all(each.header or each.unavailable or each.refused for each in self.received.values()):
            self._all_started.set()

    def _lose(self, reason: str) -> None:
        if not self.lost:
            self.lost = reason
            self.lost_after_ns = time.monotonic_ns() - self._started_ns


def _impossible(reply: SampleReply) -> str:
    """Why a number in the reply is impossible, or ""."""
    if not 0 <= reply.read_max_ns <= DURATION_MAX_NS:
        return f"reported an impossible reading time: {reply.read_max_ns:,} ns"
    if not 0 <= reply.dropped <= SAMPLES_MAX:
        return f"reported an impossible number of dropped samples: {reply.dropped:,}"
    return ""
