"""AgentService: handles the agent's three calls, Describe, ReadClock and Sample."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, NoReturn

import grpc

from diag.agent.client_slots import ClientSlots
from diag.agent.streams import SourceStream
from diag.capture.samplers.remote.protocol import (
    PERIOD_MAX_NS,
    PERIOD_MIN_NS,
    PROTOCOL,
    SOURCES,
    boot_id,
)
from diag.formats.wire.agent_pb2 import (
    ClockReading,
    ClockRequest,
    DescribeRequest,
    Description,
    SampleReply,
    SampleRequest,
    SourceState,
)
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from diag.agent.limits import Limits
    from diag.agent.machine_sources import SampleSources
    from diag.capture.samplers.reader import Reader

# Interval between two replies; clients need the samples at the end, not at once.
_FLUSH_S = 0.1
# Size of a reply in addition to its sample lines.
_REPLY_OVERHEAD_BYTES = 1024


class AgentService:
    """Handles calls; no call changes anything on this machine."""

    def __init__(self, sources: SampleSources, limits: Limits, log: Callable[[str], None]) -> None:
        """Serve sources within limits.

        Args:
            sources: Opens the readers.
            limits: Bounds on what clients can use.
            log: Called with one line of text per client.
        """
        self._sources = sources
        self._limits = limits
        self._stopping = threading.Event()
        self.slots = ClientSlots(limits, log)

    def stop(self) -> None:
        """End all streams after they have sent the samples taken so far."""
        self._stopping.set()

    def describe(
        self, requests: Iterator[DescribeRequest], context: grpc.ServicerContext
    ) -> Description:
        """Describe the agent and its sources."""
        del requests, context
        states = []
        for source in SOURCES:
            reader = self._sources.open(source, 0)
            if isinstance(reader, Unavailable):
                states.append(SourceState(source=source, unavailable=reader.reason))
                continue
            period_ns = reader.period_ns
            states.append(SourceState(source=source, detail=reader.detail, period_ns=period_ns))
            reader.close()
        return Description(
            protocol=PROTOCOL,
            diag_version=version("tfserving-diag"),
            hostname=socket.gethostname(),
            boot_id=boot_id(),
            server=self._sources.server(),
            sources=states,
            period_min_ns=PERIOD_MIN_NS,
            period_max_ns=PERIOD_MAX_NS,
            duration_max_ns=self._limits.duration_max_ns,
        )

    def read_clock(
        self, requests: Iterator[ClockRequest], context: grpc.ServicerContext
    ) -> ClockReading:
        """Read the wall clock."""
        del requests, context
        return ClockReading(unix_ns=time.time_ns())

    def sample(
        self, requests: Iterator[SampleRequest], context: grpc.ServicerContext
    ) -> Iterator[SampleReply]:
        """Send samples until the client ends the stream."""
        client = self.slots.reserve(context)
        if client is None:
            text = "too many calls are waiting to send their request"
            self._refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        streams: list[SourceStream] = []
        began_ns = time.monotonic_ns()

        def release() -> None:
            self.slots.release(client)
            for stream in streams:
                stream.close()

        # gRPC does not run this generator to its end if the client is gone.
        context.add_callback(release)
        try:
            wanted = self._wanted(requests, context)
            if not self.slots.start_sampling(client):
                text = f"{self._limits.clients_max} clients are sampling, no more are admitted"
                self._refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            for source, period_ns in wanted.items():
                reader = self._sources.open(source, period_ns)
                if isinstance(reader, Unavailable):
                    yield SampleReply(source=source, unavailable=reader.reason)
                else:
                    streams.append(self._stream(reader))
                    yield streams[-1].start()
            yield from self._flow(requests, streams, client.until_ns)
        finally:
            release()
            self._log_client(context, streams, time.monotonic_ns() - began_ns)

    def _stream(self, reader: Reader) -> SourceStream:
        limits = self._limits
        lines_max_bytes = limits.message_max_bytes - _REPLY_OVERHEAD_BYTES
        return SourceStream(reader, limits.buffer_max_samples, lines_max_bytes)

    def _wanted(
        self, requests: Iterator[SampleRequest], context: grpc.ServicerContext
    ) -> dict[str, int]:
        """Read the first request: period in ns by source. Refuses an invalid one."""
        first = next(requests, None)
        wanted = {each.source: each.period_ns for each in first.wanted} if first else {}
        unknown = sorted(wanted.keys() - set(SOURCES))
        if not wanted or unknown:
            names = " and ".join(SOURCES)
            text = f"unknown source: {', '.join(unknown) or '(none)'}; available: {names}"
            self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, text)
        if any(each and not PERIOD_MIN_NS <= each <= PERIOD_MAX_NS for each in wanted.values()):
            text = "the rate must be 1 to 100 Hz"
            self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, text)
        return wanted

    def _flow(
        self, requests: Iterator[SampleRequest], streams: list[SourceStream], until_ns: int
    ) -> Iterator[SampleReply]:
        """Replies until the client closes its side or the agent ends the stream."""
        closed = threading.Event()

        def watch() -> None:
            with contextlib.suppress(grpc.RpcError):
                next(requests, None)
            closed.set()

        threading.Thread(target=watch, name="diag-agent-watch", daemon=True).start()
        ended = ""
        while not ended and not closed.wait(_FLUSH_S):
            for stream in streams:
                yield from stream.replies()
            if self._stopping.is_set():
                ended = "the agent was stopped"
            elif time.monotonic_ns() > until_ns:
                longest_s = self._limits.duration_max_ns / 1e9
                ended = f"the time limit of {longest_s:g} s was reached"
        for stream in streams:
            yield from stream.end(ended)

    def _refuse(self, context: grpc.ServicerContext, code: grpc.StatusCode, text: str) -> NoReturn:
        self.slots.log_refusal(context, text)
        context.abort(code, text)
        raise AssertionError("abort raises")

    def _log_client(
        self, context: grpc.ServicerContext, streams: list[SourceStream], took_ns: int
    ) -> None:
        if not streams:
            return
        sent = sum(stream.buffer.taken for stream in streams)
        dropped = sum(stream.buffer.dropped for stream in streams)
        names = " and ".join(stream.source for stream in streams)
        self.slots.log(
            f"{context.peer()}: {names} for {took_ns / 1e9:.1f} s, {sent} samples sent, "
            f"{dropped} dropped"
        )
