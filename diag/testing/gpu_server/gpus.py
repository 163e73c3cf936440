"""Simulated GPUs: each stream executes its work in order, one item at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from diag.formats.trace import event_names as ev
from diag.model.device import WorkKind
from diag.testing.gpu_server.recording import Event
from diag.testing.gpu_server.truth import BUSY, Span

if TYPE_CHECKING:
    from diag.model.events import StatValue
    from diag.testing.gpu_server.plan import Call
    from diag.testing.gpu_server.recording import EventLog
    from diag.testing.gpu_server.truth import Truth

# From the end of a call to the begin of its work on an idle stream, and between two items of work.
LATENCY_NS: Final = 3_000
BETWEEN_NS: Final = 500

_KERNEL_DETAILS: Final = (
    "regs:32 static_shared:0 dynamic_shared:0 grid:64,1,1 block:256,1,1 occ_pct:100"
)
_COPY_STREAM: Final = {
    WorkKind.COPY_IN: (14, "MemcpyH2D", "kind_src:pageable kind_dst:device"),
    WorkKind.COPY_OUT: (15, "MemcpyD2H", "kind_src:device kind_dst:pageable"),
    WorkKind.COPY_WITHIN: (16, "MemcpyD2D", "kind_src:device kind_dst:device"),
}
_FIRST_COMPUTE_STREAM: Final = 20


@dataclass(frozen=True, slots=True)
class Work:
    """A kernel, copy or memset; ``launched_ns`` is the begin of the call that launched it."""

    kind: WorkKind
    launched_ns: int
    start_ns: int
    end_ns: int


@dataclass
class Gpu:
    """One GPU: one stream for each direction of copies, and ``streams`` streams for kernels."""

    index: int
    streams: int
    recording: EventLog
    truth: Truth
    kernels: list[tuple[int, Work]] = field(default_factory=list)
    _free_ns: dict[int, int] = field(default_factory=dict)
    _given: int = 0

    def enqueue(
        self,
        call: Call,
        device_ns: int,
        op: str,
        correlation: int,
        calls: tuple[int, int],
        after_ns: int,
        step: int,
    ) -> Work:
        """Enqueue work: it begins when its call has ended and its stream is free.

        Args:
            call: The call that launches it.
            device_ns: Its duration.
            op: Op that makes the call.
            correlation: Correlation id.
            calls: Begin and end of the call.
            after_ns: End of the work that it depends on.
            step: Step that it belongs to.
        """
        stream, line, stats = self._place(call)
        free_ns = self._free_ns.get(stream, 0)
        start = max(calls[1] + LATENCY_NS, free_ns + BETWEEN_NS, after_ns + BETWEEN_NS)
        work = Work(call.kind, calls[0], start, start + device_ns)
        self._free_ns[stream] = work.end_ns
        name = call.name if call.kind is WorkKind.KERNEL else line.removesuffix("Compute")
        stats |= {
            ev.STAT_CORRELATION_ID: correlation,
            ev.STAT_TF_OP: op,
            ev.STAT_CONTEXT_ID: "$$1",
        }
        event = Event(name or "Memset", work.start_ns, work.end_ns, stats)
        self.recording.devices[self.index][f"Stream #{stream}({line})"].append(event)
        self.truth.busy[self.index].append(Span(BUSY, work.start_ns, work.end_ns))
        if call.kind is WorkKind.KERNEL:
            self.kernels.append((step, work))
        return work

    def _place(self, call: Call) -> tuple[int, str, dict[str, StatValue]]:
        """Stream, kind of its line, and the stats that the profiler records."""
        if call.kind in _COPY_STREAM:
            stream, line, ends = _COPY_STREAM[call.kind]
            return (
                stream,
                line,
                {ev.STAT_MEMCPY_DETAILS: f"{ends} size:{call.copied_bytes} dest:0 async:1"},
            )
        self._given += 1
        stream = _FIRST_COMPUTE_STREAM + self._given % self.streams
        if call.kind is WorkKind.MEMSET:
            return (
                stream,
                "Compute",
                {ev.STAT_MEMSET_DETAILS[0]: "kind:device num_bytes:1024 async:1"},
            )
        return stream, "Compute", {ev.STAT_KERNEL_DETAILS: _KERNEL_DETAILS}
