"""Receiver: a thread that keeps what an agent streams until it is told to stop or it breaks off."""

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

# Eight GPUs are some 25 kB/s at 20 Hz and 110 kB/s at 100 Hz, in ten minutes 64 MiB, with up to
# 300,000 lines of which most are the driver's own readings. An agent that sends more is not
# believed, nor one that sends them faster: decoded, they take up to ten times as much.
_KEPT_AT_ONCE_BYTES = 8 << 20
_KEPT_BYTES_PER_S = 512 << 10
_KEPT_MAX_BYTES = 64 << 20
_KEPT_MAX_LINES = 500_000


@dataclass(slots=True)
class Received:
    """What came of one source.

    Attributes:
        header: The latest header line.
        lines: Those of the samples, in the order they came, in pieces.
        dropped: Samples that the agent gave up.
        read_max_ns: The longest reading.
        unavailable: Why there is nothing.
        refused: Why what came is not to be believed; the agent is its subject.
    """

    header: bytes = b""
    lines: list[bytes] = field(default_factory=list)
    dropped: int = 0
    read_max_ns: int = 0
    unavailable: str = ""
    refused: str = ""

    def take(self) -> bytes:
        """Header and lines; they are gone from here."""
        data = b"".join((self.header, b"\n", *self.lines))
        self.lines.clear()
        return data


class Receiver:
    """One stream from an agent.

    All of gRPC happens on threads of its own: a signal reaches the main thread alone, and must not
    break into gRPC.

    Attributes:
        received: By source; to be read after ``stop``.
        lost: Why the stream broke off before it was told to; "" if it did not.
        lost_after_ns: How long after it began.
    """

    def __init__(self, connection: Connection, wanted: Mapping[str, int]) -> None:
        """Prepare.

        Args:
            connection: To the agent.
            wanted: Period by source; 0 for the source's own.
        """
        self._connection = connection
        self._wanted = wanted
        self._call: grpc.Call | None = None
        self._kept_bytes = 0
        self._kept_lines = 0
        self._began_ns = 0
        self._all_began = threading.Event()
        self._enough = threading.Event()
        self._told = False
        self._thread = threading.Thread(target=self._run, name="diag-agent-receiver", daemon=True)
        self.received = {source: Received() for source in wanted}
        self.lost = ""
        self.lost_after_ns = 0

    def start(self, timeout_s: float) -> None:
        """Begin, and wait until the agent samples or says why not."""
        self._began_ns = time.monotonic_ns()
        self._thread.start()
        self._all_began.wait(timeout_s)

    def stop(self, timeout_s: float) -> None:
        """Tell the agent that it is enough, and wait for the rest."""
        self._told = True
        self._enough.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._lose("did not end the stream in time")

    def close(self) -> None:
        """Give up. The connection's end ends the thread."""
        self._told = True
        self._enough.set()

    def _run(self) -> None:
        try:
            for reply in self._connection.stream(SAMPLE, self._requests(), SampleReply):
                if not self._has_room(reply):
                    # The stream ends with its iterator; what is in flight gRPC bounds.
                    self._lose("sent more than can be kept")
                    return
                self._keep(reply)
            if not self._told:
                self._lose("ended the stream")
        except grpc.RpcError as exc:
            self._lose(reason_of_failure(exc, self._connection))
        finally:
            self._all_began.set()
            self._enough.set()

    def _requests(self) -> Iterator[SampleRequest]:
        """What is wanted; its end tells the agent that it is enough."""
        yield SampleRequest(
            wanted=[
                Wanted(source=source, period_ns=period_ns)
                for source, period_ns in self._wanted.items()
            ]
        )
        self._enough.wait()

    def _has_room(self, reply: SampleReply) -> bool:
        """Count a reply, before anything of it is kept."""
        self._kept_bytes += len(reply.lines)
        self._kept_lines += reply.lines.count(b"\n")
        lasted_ns = time.monotonic_ns() - self._began_ns
        most_bytes = _KEPT_AT_ONCE_BYTES + _KEPT_BYTES_PER_S * lasted_ns // 10**9
        return (
            self._kept_bytes <= min(most_bytes, _KEPT_MAX_BYTES)
            and self._kept_lines <= _KEPT_MAX_LINES
        )

    def _keep(self, reply: SampleReply) -> None:
        part = self.received.get(reply.source)
        if part is None:
            return
        if reply.ended and not self._told:
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
            self._all_began.set()

    def _lose(self, reason: str) -> None:
        if not self.lost:
            self.lost = reason
            self.lost_after_ns = time.monotonic_ns() - self._began_ns


def _impossible(reply: SampleReply) -> str:
    """Which of its numbers cannot be, or ""."""
    if not 0 <= reply.read_max_ns <= DURATION_MAX_NS:
        return f"says that a reading took {reply.read_max_ns:,} ns"
    if not 0 <= reply.dropped <= SAMPLES_MAX:
        return f"says that it gave up {reply.dropped:,} samples"
    return ""
