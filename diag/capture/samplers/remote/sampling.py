"""AgentSampling: host and GPU samples of the server's machine, taken by its agent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import grpc

from diag.capture.plan import SECOND
from diag.capture.samplers.remote.agent_errors import reason_of_failure, shorten
from diag.capture.samplers.remote.clock import ImpossibleClockError
from diag.capture.samplers.remote.link import open_link
from diag.capture.samplers.remote.protocol import SOURCES
from diag.capture.samplers.remote.receiver import Receiver
from diag.errors import BundleCorruptError
from diag.formats.text.samples import decode_samples
from diag.model.availability import Unavailable
from diag.model.caveat import Caveat, recorded_caveat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.capture.interrupts import Interrupts
    from diag.capture.plan import AgentAccess
    from diag.capture.samplers.remote.link import AgentLink
    from diag.capture.samplers.remote.receiver import Received
    from diag.model.samples import SampleSeries


class AgentSampling:
    """An agent, asked once what it has, then sampling from ``start`` to ``stop``.

    Attributes:
        address: As given.
        link: To the agent; None if there is none.
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
        self.link: AgentLink | None = None
        self.series: dict[str, SampleSeries | Unavailable] = {}
        self.details: dict[str, str] = {}
        self.lost = ""
        self._timeout_s = timeout_ns / SECOND
        self._receiver: Receiver | None = None
        link = open_link(access, timeout_ns, interrupts)
        if isinstance(link, Unavailable):
            self.series = {source: self._without(link.reason) for source in SOURCES}
            return
        self.link = link
        states = {state.source: state for state in link.description.sources}
        for source in SOURCES:
            state = states.get(source)
            if state is None:
                self.series[source] = self._without("does not know this source")
            elif state.unavailable:
                self.series[source] = self._without(f"has none: {shorten(state.unavailable)}")
            else:
                seen = f" ({shorten(link.description.server)})" if source == "host" else ""
                self.details[source] = (
                    f"{shorten(state.detail)}, by the agent at {self.address}{seen}"
                )
        wanted = {source: periods_ns.get(source, 0) for source in self.details}
        if wanted:
            self._receiver = Receiver(link.connection, wanted)

    def start(self) -> None:
        """Begin to sample, and wait until the agent does."""
        if self._receiver is not None:
            self._receiver.start(self._timeout_s)

    def stop(self) -> None:
        """End sampling; ``series`` is complete."""
        receiver, link = self._receiver, self.link
        if receiver is None or link is None:
            return
        receiver.stop(self._timeout_s)
        self.lost = receiver.lost
        for source, received in receiver.received.items():
            self.series[source] = self._series(source, received)
        if not self.lost:
            try:
                link.measure_offset_again()
            except grpc.RpcError as exc:
                self.lost = reason_of_failure(exc, link.connection)
            except ImpossibleClockError as exc:
                self.lost = str(exc)

    def close(self) -> None:
        """Let go of the agent; harmless when called again."""
        if self._receiver is not None:
            self._receiver.close()
        if self.link is not None:
            self.link.close()

    def _without(self, reason: str) -> Unavailable:
        return Unavailable(f"the agent at {self.address} {reason}")

    def _series(self, source: str, received: Received) -> SampleSeries | Unavailable:
        if received.refused:
            return self._without(received.refused)
        if not received.lines:
            none = received.unavailable or "the window was shorter than one reading"
            return self._without(self.lost or f"has none: {none}")
        where = f"the samples of the agent at {self.address}"
        try:
            series = decode_samples(received.take(), where)
        except BundleCorruptError as exc:
            return Unavailable(f"{exc.message} ({exc.cause})" if exc.cause else exc.message)
        if series.source != source:
            return Unavailable(f"{where} are called {series.source}, not {source}")
        return replace(
            series,
            missing={name: shorten(text) for name, text in series.missing.items()}
            | self._gaps(received, len(series.samples)),
            taken_by=self.address,
        )

    def _gaps(self, received: Received, samples: int) -> dict[str, str]:
        """What to say of samples that there are not."""
        reasons = []
        if self.lost:
            reasons.append(f"none after sample {samples}: the agent {self.lost}")
        if received.dropped:
            reasons.append(f"{received.dropped} given up, this side read too slowly")
        return {"samples": "; ".join(reasons)} if reasons else {}

    def caveats(self) -> tuple[Caveat, ...]:
        """What limits the meaning of samples that there are."""
        receiver, caveats = self._receiver, []
        if receiver is None:
            return ()
        if self.lost:
            text = (
                f"The agent at {self.address} broke off {receiver.lost_after_ns / 1e9:.1f} s after "
                f"it began to sample, and its samples end there: it {self.lost}."
            )
            caveats.append(recorded_caveat("agent-lost", text))
        dropped = sum(received.dropped for received in receiver.received.values())
        if dropped:
            text = f"The agent at {self.address} gave up {dropped} samples: they were not read."
            caveats.append(recorded_caveat("samples-dropped", text))
        return tuple(caveats)

    def reading_ns(self) -> dict[str, int]:
        """How long one reading took at most, by source of which there are samples."""
        received = self._receiver.received if self._receiver is not None else {}
        return {
            source: part.read_max_ns
            for source, part in received.items()
            if not isinstance(self.series.get(source), Unavailable)
        }
