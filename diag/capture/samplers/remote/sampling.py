"""AgentSampling: host and GPU samples that an agent on the server's machine takes."""

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
from diag.formats.bundle.manifest import CaveatRecord
from diag.formats.text.samples import decode_samples
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.capture.interrupts import Interrupts
    from diag.capture.plan import AgentAccess
    from diag.capture.samplers.remote.link import AgentLink
    from diag.capture.samplers.remote.receiver import Received
    from diag.model.samples import SampleSeries


class AgentSampling:
    """Samples of an agent, taken from ``start`` to ``stop``.

    Attributes:
        address: The agent's address as given.
        link: Connection to the agent; None if it cannot be reached.
        series: Samples by source; before ``stop`` only the unavailable sources.
        details: Short description by available source.
        lost: Why the agent stopped sampling early, or "".
    """

    def __init__(
        self,
        access: AgentAccess,
        periods_ns: Mapping[str, int],
        timeout_ns: int,
        interrupts: Interrupts,
    ) -> None:
        """Connect to the agent and find out which sources it has.

        Args:
            access: The agent's address, certificates and token.
            periods_ns: Time between two samples in ns, by source; default: the source's own.
            timeout_ns: Time allowed for each call.
            interrupts: Delays signals while gRPC code runs.

        Raises:
            UsageError: A certificate or key file cannot be read.
            KeyboardInterrupt: A signal arrived during the wait.
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
                self.series[source] = self._without("does not have this source")
            elif state.unavailable:
                self.series[source] = self._without(f"has no samples: {shorten(state.unavailable)}")
            else:
                server = f" ({shorten(link.description.server)})" if source == "host" else ""
                self.details[source] = (
                    f"{shorten(state.detail)}, by the agent at {self.address}{server}"
                )
        wanted = {source: periods_ns.get(source, 0) for source in self.details}
        if wanted:
            self._receiver = Receiver(link.connection, wanted)

    def start(self) -> None:
        """Start sampling, and wait until the agent samples."""
        if self._receiver is not None:
            self._receiver.start(self._timeout_s)

    def stop(self) -> None:
        """Stop sampling and complete ``series``."""
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
        """Close the connection; no effect when called again."""
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
            none = received.unavailable or "the recording was shorter than one reading"
            return self._without(self.lost or f"has no samples: {none}")
        where = f"the samples of the agent at {self.address}"
        try:
            series = decode_samples(received.take(), where)
        except BundleCorruptError as exc:
            return Unavailable(f"{exc.message} ({exc.cause})" if exc.cause else exc.message)
        if series.source != source:
            return Unavailable(f"{where} are of {series.source}, not of {source}")
        return replace(
            series,
            missing={name: shorten(text) for name, text in series.missing.items()}
            | self._gaps(received, len(series.samples)),
            taken_by=self.address,
        )

    def _gaps(self, received: Received, samples: int) -> dict[str, str]:
        """Why samples are missing, for ``SampleSeries.missing``."""
        reasons = []
        if self.lost:
            reasons.append(f"none after sample {samples}: the agent {self.lost}")
        if received.dropped:
            reasons.append(f"{received.dropped} dropped, because this side read too slowly")
        return {"samples": "; ".join(reasons)} if reasons else {}

    def caveats(self) -> tuple[CaveatRecord, ...]:
        """Caveats about the samples, for the manifest."""
        receiver, caveats = self._receiver, []
        if receiver is None:
            return ()
        if self.lost:
            text = (
                f"Samples of the agent at {self.address} end {receiver.lost_after_ns / 1e9:.1f} s "
                f"after they started: it {self.lost}."
            )
            caveats.append(CaveatRecord("agent-lost", text))
        dropped = sum(received.dropped for received in receiver.received.values())
        if dropped:
            text = (
                f"The agent at {self.address} dropped {dropped} samples that were not read in time."
            )
            caveats.append(CaveatRecord("samples-dropped", text))
        return tuple(caveats)

    def reading_ns(self) -> dict[str, int]:
        """Duration of the longest reading in ns, by source with samples."""
        received = self._receiver.received if self._receiver is not None else {}
        return {
            source: part.read_max_ns
            for source, part in received.items()
            if not isinstance(self.series.get(source), Unavailable)
        }
