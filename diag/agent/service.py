"""The agent's three calls."""

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
    from diag.capture.samplers.sampler import Reader

# How long samples wait at most before they are sent: they are wanted at the end, not at once.
_FLUSH_S = 0.1
# The lines of a reply are not all of it.
_REPLY_OVERHEAD_BYTES = 1024


class AgentService:
    """Answers clients; nothing that they ask changes anything on this machine."""

    def __init__(self, sources: SampleSources, limits: Limits, log: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            sources: What there is to sample.
            limits: What clients may take of it.
            log: Given a line for each client.
        """
        self._sources = sources
        self._limits = limits
        self._stopping = threading.Event()
        self.slots = ClientSlots(limits, log)

    def stop(self) -> None:
        """End all streams soon, with what they have."""
        self._stopping.set()

    def describe(
        self, requests: Iterator[DescribeRequest], context: grpc.ServicerContext
    ) -> Description:
        """What there is to sample."""
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
        """The wall clock, now."""
        del requests, context
        return ClockReading(unix_ns=time.time_ns())

    def sample(
        self, requests: Iterator[SampleRequest], context: grpc.ServicerContext
    ) -> Iterator[SampleReply]:
        """Samples until the client has enough."""
        client = self.slots.wait(context)
        if client is None:
            text = "too many called at once and asked for nothing yet"
            self._refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        streams: list[SourceStream] = []
        began_ns = time.monotonic_ns()

        def leave() -> None:
            self.slots.leave(client)
            for stream in streams:
                stream.close()

        # However it ends: a generator whose client is gone is not run to its end.
        context.add_callback(leave)
        try:
            wanted = self._wanted(requests, context)
            if not self.slots.enter(client):
                text = f"{self._limits.clients_max} clients sample already, as many as may"
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
            leave()
            self._log_client(context, streams, time.monotonic_ns() - began_ns)

    def _stream(self, reader: Reader) -> SourceStream:
        limits = self._limits
        lines_max_bytes = limits.message_max_bytes - _REPLY_OVERHEAD_BYTES
        return SourceStream(reader, limits.buffer_max_samples, lines_max_bytes)

    def _wanted(
        self, requests: Iterator[SampleRequest], context: grpc.ServicerContext
    ) -> dict[str, int]:
        """Period by source, as the first request has it."""
        first = next(requests, None)
        wanted = {each.source: each.period_ns for each in first.wanted} if first else {}
        unknown = sorted(wanted.keys() - set(SOURCES))
        if not wanted or unknown:
            names = " and ".join(SOURCES)
            text = f"asks for {', '.join(unknown) or 'nothing'}; there are {names}"
            self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, text)
        if any(each and not PERIOD_MIN_NS <= each <= PERIOD_MAX_NS for each in wanted.values()):
            text = "asks for a rate beyond 1 to 100 Hz"
            self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, text)
        return wanted

    def _flow(
        self, requests: Iterator[SampleRequest], streams: list[SourceStream], until_ns: int
    ) -> Iterator[SampleReply]:
        """Replies until the client closes its side, or the agent must end it."""
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
                ended = f"an agent samples for {longest_s:g} s at most"
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
