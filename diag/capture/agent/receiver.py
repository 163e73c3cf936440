"""Receiver: a thread that keeps what an agent streams until it is told to stop or it breaks off."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from diag.capture.agent.protocol import SAMPLE
from diag.capture.agent.reasons import why
from diag.formats.wire.agent_pb2 import SampleReply, SampleRequest, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from diag.capture.connection import Connection

# Ten minutes at 100 Hz of a machine with many cores; an agent that sends more is not believed.
_KEPT_MAX_BYTES = 256 << 20


@dataclass(slots=True)
class Received:
    """What came of one source.

    Attributes:
        header: The latest header line.
        lines: Those of the samples, in the order they came.
        dropped: Samples that the agent gave up.
        read_max_ns: The longest reading.
        unavailable: Why there is nothing.
    """

    header: bytes = b""
    lines: bytearray = field(default_factory=bytearray)
    dropped: int = 0
    read_max_ns: int = 0
    unavailable: str = ""


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
                self._keep(reply)
                if self._kept_bytes > _KEPT_MAX_BYTES:
                    self._lose("sent more than can be kept")
                    return
            if not self._told:
                self._lose("ended the stream")
        except grpc.RpcError as exc:
            self._lose(why(exc, self._connection))
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

    def _keep(self, reply: SampleReply) -> None:
        part = self.received.get(reply.source)
        if part is None:
            return
        if reply.ended and not self._told:
            self._lose(f"ended the stream: {reply.ended}")
        if reply.unavailable:
            part.unavailable = reply.unavailable
        else:
            part.header, _, lines = reply.lines.partition(b"\n")
            part.lines += lines
            part.dropped, part.read_max_ns = reply.dropped, reply.read_max_ns
            self._kept_bytes += len(lines)
        if all(each.header or each.unavailable for each in self.received.values()):
            self._all_began.set()

    def _lose(self, reason: str) -> None:
        if not self.lost:
            self.lost = reason
            self.lost_after_ns = time.monotonic_ns() - self._began_ns
