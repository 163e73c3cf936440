"""Parts of a report about idle time: by cause, and gap by gap."""

from diag.model.availability import Unavailable
from diag.report.part import Part


class GapPart(Part, frozen=True):
    """Idle time of one cause on one timeline.

    Attributes:
        starvation: Whether requests were in the server while nothing executed.
        pieces: Stretches of it.
        longest_ns: The longest of these.
        confidence: ``high``, ``medium`` or ``low``: that of the most of it.
        high_ns: Of ``idle_ns``, what is known with high confidence; the three add up to it.
        medium_ns: Likewise.
        low_ns: Likewise.
        runner_up: The cause that other evidence speaks for in the most of it.
        runner_up_ns: For how long that evidence does.
    """

    cause: str
    starvation: bool
    pieces: int
    idle_ns: int
    longest_ns: int
    share_of_idle: float
    share_of_window: float
    confidence: str
    high_ns: int
    medium_ns: int
    low_ns: int
    runner_up: str | Unavailable
    runner_up_ns: int | Unavailable


class CausePart(Part, frozen=True):
    """All pieces of one gap that have the same cause."""

    cause: str
    idle_ns: int


class WaitingPart(Part, frozen=True):
    """What one request was doing in the middle of a gap.

    Attributes:
        request: Its row in the requests table; unavailable for one that the window cut.
        doing: A stage, or ``open`` where the trace does not say.
        doing_ns: For how long it had been doing so.
        thread: Which shows it, "" if none does.
    """

    request: int | Unavailable
    doing: str
    doing_ns: int
    thread: str


class LongGapPart(Part, frozen=True):
    """A stretch without any work on its timeline, over all its causes.

    Attributes:
        offset_ns: From the window's start to the gap's.
        start_unix_ns: A decimal string.
        idle_ns: Its length; its causes add up to it.
        causes: The one with most of it first.
        waiting: Some of the requests open in its middle.
        waiting_requests: How many all of these are.
    """

    offset_ns: int
    start_unix_ns: str | Unavailable
    idle_ns: int
    causes: tuple[CausePart, ...]
    waiting: tuple[WaitingPart, ...]
    waiting_requests: int


class TimelinePart(Part, frozen=True):
    """When one device, or the models' execution on the CPU, was busy; busy + idle = window.

    Attributes:
        waiting_ns: Idle with at least one request in the server.
        recoverable_ns_per_second: Starved idle time a second: what perfect feeding would win back.
        high_ns: Of ``idle_ns``, what is explained with high confidence; the three add up to it.
        medium_ns: Likewise.
        low_ns: Likewise.
        longest: The longest gaps, the longest first.
    """

    timeline: str
    is_device: bool
    busy_ns: int
    idle_ns: int
    starved_ns: int
    no_demand_ns: int
    busy_share: float
    idle_share: float
    starved_share: float
    no_demand_share: float
    waiting_ns: int
    waiting_share: float
    recoverable_ns_per_second: float
    high_ns: int
    medium_ns: int
    low_ns: int
    gaps: tuple[GapPart, ...]
    longest: tuple[LongGapPart, ...]
