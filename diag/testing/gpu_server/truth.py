"""The truth about a simulated server: why each GPU idled, and where each request spent its time.

The simulation records it from the state of the server while it runs. It is not derived from events.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from diag.model.gaps import IdleCause
from diag.model.serving import Stage

What = TypeVar("What", bound=Hashable)


class State(NamedTuple):
    """The state of a request as the cause of an idle GPU."""

    cause: IdleCause
    before_batcher: bool = False


# Stands for a working GPU in the order of states.
BUSY = State(IdleCause.UNEXPLAINED, before_batcher=True)

# Of the states of several requests, that of the request nearest to the device decides. What stops a
# thread comes before what the thread would do.
_FURTHEST_FIRST: tuple[IdleCause, ...] = (
    IdleCause.PROFILER,
    IdleCause.THROTTLED,
    IdleCause.ALLOCATOR,
    IdleCause.COLD_START,
    IdleCause.TRANSFER,
    IdleCause.LAUNCH,
    IdleCause.PREPROCESS,
    IdleCause.MODEL_LOAD,
    IdleCause.QUEUE_EXECUTOR,
    IdleCause.BATCH_THREADS_IN_HOST_WORK,
    IdleCause.QUEUE_DISPATCH,
    IdleCause.QUEUE_FILL,
    IdleCause.SYNC_OR_OUTPUT,
    IdleCause.INGRESS,
    IdleCause.TRACE_EDGE,
    IdleCause.UNEXPLAINED,
)
_AFTER_FILL = _FURTHEST_FIRST.index(IdleCause.QUEUE_FILL) + 1
STATE_ORDER: tuple[State, ...] = (
    *(State(cause) for cause in _FURTHEST_FIRST[:_AFTER_FILL]),
    State(IdleCause.PREPROCESS, before_batcher=True),
    State(IdleCause.QUEUE_EXECUTOR, before_batcher=True),
    *(State(cause) for cause in _FURTHEST_FIRST[_AFTER_FILL:]),
)


@dataclass(frozen=True, slots=True)
class InCall:
    """A host call of a step: it counts as this stage while the GPU does nothing for the step."""

    stage: Stage


Activity: TypeAlias = Stage | InCall

# Where several hold at once, the first one counts.
STAGE_ORDER: tuple[Activity, ...] = (
    Stage.COMPUTE,
    Stage.TRANSFER_IN,
    Stage.TRANSFER_OUT,
    Stage.DEVICE_WAIT,
    InCall(Stage.TRANSFER_IN),
    InCall(Stage.TRANSFER_OUT),
    InCall(Stage.LAUNCH),
    Stage.LAUNCH,
    Stage.PREPROCESS,
    Stage.QUEUE_EXECUTOR,
    Stage.POSTPROCESS,
    Stage.SCHEDULE,
    Stage.BATCH_FORMATION,
    Stage.QUEUE_THREAD,
    Stage.QUEUE_DISPATCH,
    Stage.QUEUE_FILL,
    Stage.BATCH_SPLIT,
    Stage.UNATTRIBUTED,
)


@dataclass(frozen=True, slots=True)
class Span(Generic[What]):
    """A state or an activity over ``[start_ns, end_ns)``."""

    what: What
    start_ns: int
    end_ns: int

    def at(self, time: Callable[[int], int]) -> Span[What]:
        """The span with its times replaced by a function of them."""
        return Span(self.what, time(self.start_ns), time(self.end_ns))


@dataclass
class RequestTruth:
    """The truth about one request.

    Attributes:
        model: Index of its model.
        arrived_ns: Its arrival at the server, before its first event.
        start_ns: Begin of its first event; -1 if it was not reached.
        end_ns: End of the request; -1 if it was not reached.
        spans: What it did and waited for; where they overlap, ``STAGE_ORDER`` decides.
    """

    model: int
    arrived_ns: int
    start_ns: int = -1
    end_ns: int = -1
    spans: list[Span[Activity]] = field(default_factory=list)

    @property
    def stage_ns(self) -> dict[Stage, int]:
        """Its time in ns by stage, from begin to end."""
        pieces = tile(self.spans, STAGE_ORDER, self.start_ns, self.end_ns, Stage.UNATTRIBUTED)
        total: Counter[Stage] = Counter()
        for piece in pieces:
            stage = piece.what.stage if isinstance(piece.what, InCall) else piece.what
            total[stage] += piece.end_ns - piece.start_ns
        return dict(total)


@dataclass
class Truth:
    """The truth of a simulation, on its clock.

    Attributes:
        states: By GPU, the states of requests that need it; they overlap.
        busy: By GPU, the times at which it worked.
        requests: Requests in the order of arrival.
        freezes: Spans in which the whole server was stopped.
    """

    states: defaultdict[int, list[Span[State]]] = field(default_factory=lambda: defaultdict(list))
    busy: defaultdict[int, list[Span[State]]] = field(default_factory=lambda: defaultdict(list))
    requests: list[RequestTruth] = field(default_factory=list)
    freezes: list[tuple[int, int]] = field(default_factory=list)

    def add(
        self,
        device: int,
        cause: IdleCause,
        start_ns: int,
        end_ns: int,
        *,
        before_batcher: bool = False,
    ) -> None:
        """Add the state of a request that needs the GPU; empty spans are ignored."""
        if start_ns < end_ns and device >= 0:
            self.states[device].append(Span(State(cause, before_batcher), start_ns, end_ns))

    def moved(self, time: Callable[[int], int]) -> None:
        """Replace all times by a function of them."""
        for device in self.states:
            self.states[device] = [span.at(time) for span in self.states[device]]
        for device in self.busy:
            self.busy[device] = [span.at(time) for span in self.busy[device]]
        for request in self.requests:
            request.spans = [span.at(time) for span in request.spans]
            request.arrived_ns = time(request.arrived_ns)
            if request.start_ns >= 0:
                request.start_ns, request.end_ns = time(request.start_ns), time(request.end_ns)

    def idle(self, device: int, window: tuple[int, int]) -> list[Span[IdleCause]]:
        """Why the GPU idled in the window, as pieces of one cause each.

        Work that the window cuts is not recorded, and counts as idle time.
        """
        seen = [b for b in self.busy[device] if b.start_ns >= window[0] and b.end_ns <= window[1]]
        spans = [*self.states[device], *seen]
        pieces = tile(spans, (BUSY, *STATE_ORDER), *window, State(IdleCause.NO_DEMAND))
        return [
            Span(piece.what.cause, piece.start_ns, piece.end_ns)
            for piece in pieces
            if piece.what is not BUSY
        ]


def tile(
    spans: Iterable[Span[What]], order: Sequence[What], start_ns: int, end_ns: int, rest: What
) -> list[Span[What]]:
    """Cut a span of time into pieces; in each the first of ``order`` that holds, else ``rest``."""
    edges: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    rank = {what: index for index, what in enumerate(order)}
    for span in spans:
        low, high = max(span.start_ns, start_ns), min(span.end_ns, end_ns)
        if low < high:
            edges[low].append((rank[span.what], 1))
            edges[high].append((rank[span.what], -1))
    held = [0] * len(order)
    pieces: list[Span[What]] = []
    before = start_ns
    for at in sorted({*edges, end_ns}):
        if at > before:
            what = next((order[i] for i, count in enumerate(held) if count), rest)
            if pieces and pieces[-1].what == what:
                pieces[-1] = Span(what, pieces[-1].start_ns, at)
            else:
                pieces.append(Span(what, before, at))
        before = at
        for index, change in edges.get(at, ()):
            held[index] += change
    return pieces
