"""AgentSampling: host and GPU samples of the server's machine, taken by its agent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import grpc

from diag.capture.agent.clock import hull, measure_offset, server_bounds
from diag.capture.agent.protocol import (
    AUTHORIZATION,
    DESCRIBE,
    MESSAGE_MAX_BYTES,
    SOURCES,
    bearer,
    boot_id,
)
from diag.capture.agent.reasons import other_protocol, unreached, why
from diag.capture.agent.receiver import Receiver
from diag.capture.connection import Connection
from diag.capture.locality import shares_clock
from diag.capture.plan import SECOND, CapturePlan, TlsOptions
from diag.capture.target import find_server
from diag.errors import BundleCorruptError, CaptureError
from diag.formats.samples import decode_samples
from diag.formats.wire.agent_pb2 import DescribeRequest, Description
from diag.model.availability import Caveat, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from diag.capture.agent.access import AgentAccess
    from diag.capture.agent.clock import Bounds
    from diag.capture.agent.receiver import Received
    from diag.capture.interrupts import Interrupts
    from diag.capture.locality import Here
    from diag.model.samples import SampleSeries

# Names that machines have when nobody named them; two of them need not be one machine.
_NO_NAMES = ("", "localhost", "localhost.localdomain")


class AgentSampling:
    """An agent, asked once what it has, then sampling from ``start`` to ``stop``.

    Attributes:
        address: As given.
        series: Samples by source; until ``stop`` only those sources of which there are none.
        details: By source that there is, what is read, in a few words.
        lost: Why the agent broke off while it sampled; "" if it did not.
    """

    def __init__(
        self,
        access: AgentAccess,
        periods_ns: Mapping[str, int],
        timeout_ns: int,
        interrupts: Interrupts,
    ) -> None:
        """Ask the agent what it has.

        Args:
            access: Where it is.
            periods_ns: Between two samples, by source; the source's own where none is named.
            timeout_ns: For every answer.
            interrupts: Held off while gRPC is at work.

        Raises:
            UsageError: A certificate or key file cannot be read.
            KeyboardInterrupt: While waiting.
        """
        self.address = access.address
        self.series: dict[str, SampleSeries | Unavailable] = {}
        self.details: dict[str, str] = {}
        self.lost = ""
        self._lost_after_ns = 0
        self._dropped: dict[str, int] = {}
        self._reading_ns: dict[str, int] = {}
        self._timeout_s = timeout_ns / SECOND
        self._description = Description()
        self._offset: Bounds = (0, 0)
        self._receiver: Receiver | None = None
        self._connection: Connection | None = None
        try:
            self._connection = _connect(access, timeout_ns, interrupts)
            self._description = self._describe(self._connection)
            misfit = other_protocol(self._description)
            if misfit:
                self._give_up(misfit)
                return
            self._offset = measure_offset(self._connection, self._timeout_s)
        except CaptureError as exc:
            self._give_up(unreached(exc))
        except grpc.RpcError as exc:
            assert self._connection is not None
            self._give_up(why(exc, self._connection))
        else:
            self._prepare(self._connection, periods_ns)

    def _describe(self, connection: Connection) -> Description:
        return connection.call(DESCRIBE, DescribeRequest(), Description, self._timeout_s)

    def _prepare(self, connection: Connection, periods_ns: Mapping[str, int]) -> None:
        for state in self._description.sources:
            if state.unavailable:
                self.series[state.source] = Unavailable(self._on_its_side(state.unavailable))
            elif state.source in SOURCES:
                self.details[state.source] = f"{state.detail}, by the agent at {self.address}"
        wanted = {source: periods_ns.get(source, 0) for source in self.details}
        if wanted:
            self._receiver = Receiver(connection, wanted)

    def _give_up(self, reason: str) -> None:
        """There is nothing of any source."""
        for source in SOURCES:
            self.series[source] = Unavailable(f"the agent at {self.address} {reason}")

    def _on_its_side(self, reason: str) -> str:
        return f"the agent at {self.address}: {reason}"

    def start(self) -> None:
        """Begin to sample, and wait until the agent does."""
        if self._receiver is not None:
            self._receiver.start(self._timeout_s)

    def stop(self) -> None:
        """End sampling; ``series`` is complete."""
        receiver, connection = self._receiver, self._connection
        if receiver is None or connection is None:
            return
        receiver.stop(self._timeout_s)
        self.lost, self._lost_after_ns = receiver.lost, receiver.lost_after_ns
        for source, received in receiver.received.items():
            self.series[source] = self._series(source, received)
            self._dropped[source] = received.dropped
            self._reading_ns[source] = received.read_max_ns
        if not self.lost:
            try:
                self._offset = hull(self._offset, measure_offset(connection, self._timeout_s))
            except grpc.RpcError as exc:
                self.lost = why(exc, connection)

    def close(self) -> None:
        """Let go of the agent; harmless when called again."""
        if self._receiver is not None:
            self._receiver.close()
        if self._connection is not None:
            self._connection.__exit__(None, None, None)

    def _series(self, source: str, received: Received) -> SampleSeries | Unavailable:
        if received.unavailable and not received.lines:
            return Unavailable(self._on_its_side(received.unavailable))
        if not received.lines:
            if self.lost:
                return Unavailable(f"the agent at {self.address} {self.lost}")
            return Unavailable(self._on_its_side("the window was shorter than one reading"))
        where = f"the samples of the agent at {self.address}"
        try:
            series = decode_samples(received.header + b"\n" + received.lines, where)
        except BundleCorruptError as exc:
            return Unavailable(f"{exc.message} {exc.cause}".strip())
        if series.source != source:
            return Unavailable(f"{where} are called {series.source}, not {source}")
        return replace(
            series,
            samples=tuple(sorted(series.samples, key=lambda sample: int(sample["unix_ns"]))),
            missing=series.missing | self._gaps(received, len(series.samples)),
            taken_by=self.address,
        )

    def _gaps(self, received: Received, samples: int) -> dict[str, str]:
        """What to say of samples that there are not."""
        reasons = []
        if self.lost:
            reasons.append(f"none after sample {samples}: the agent {self.lost}")
        if received.dropped:
            reasons.append(f"{received.dropped} lost on the way, this side read too slowly")
        return {"samples": "; ".join(reasons)} if reasons else {}

    def caveats(self) -> tuple[Caveat, ...]:
        """What limits the meaning of samples that there are."""
        caveats = []
        if self.lost and self.details:
            text = (
                f"The agent at {self.address} broke off {self._lost_after_ns / 1e9:.1f} s after it "
                f"began to sample, and its samples end there: it {self.lost}."
            )
            caveats.append(Caveat("agent-lost", text))
        dropped = sum(self._dropped.values())
        if dropped:
            text = f"The agent at {self.address} dropped {dropped} samples that were not read fast."
            caveats.append(Caveat("samples-dropped", text))
        return tuple(caveats)

    def reading_ns(self) -> dict[str, int]:
        """How long one reading took at most, by source of which there are samples."""
        return {
            source: took
            for source, took in self._reading_ns.items()
            if not isinstance(self.series.get(source), Unavailable)
        }

    def server_bounds(self, server: Bounds) -> Bounds:
        """Bounds of the server's clock minus the agent's.

        Args:
            server: Bounds of the server's clock minus this machine's.
        """
        least, greatest = self._offset
        if self._is_here and least <= 0 <= greatest:
            return server
        return server_bounds(server, self._offset)

    def shares_clock(self, here: Here | Unavailable, hostnames: Sequence[str]) -> bool:
        """Whether the server reads the very clock that the agent reads.

        Args:
            here: Of ``locality.locate``, for the server.
            hostnames: As the trace names its host.
        """
        name = self._description.hostname
        if name not in _NO_NAMES and list(hostnames) == [name]:
            return True
        return self._is_here and shares_clock(here, hostnames)

    @property
    def _is_here(self) -> bool:
        """Whether the agent runs on this machine's kernel."""
        return bool(boot_id()) and self._description.boot_id == boot_id()


def _connect(access: AgentAccess, timeout_ns: int, interrupts: Interrupts) -> Connection:
    target = find_server(access.address, timeout_ns / SECOND)
    tls = access.tls
    if tls is None and not target.is_loopback:
        tls = TlsOptions(prefix="--agent-")
    plan = CapturePlan(
        server=access.address,
        tls=tls,
        headers=((AUTHORIZATION, bearer(access.token)),) if access.token else (),
        timeout_ns=timeout_ns,
        receive_max_bytes=MESSAGE_MAX_BYTES,
    )
    return Connection(target, plan, interrupts)
