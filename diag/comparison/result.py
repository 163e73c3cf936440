"""What a comparison consists of."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.comparison import thresholds
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.capture import Capture
    from diag.model.finding import Check, Finding


class Outcome(enum.Enum):
    """What became of the latency."""

    BETTER = "better"
    WORSE = "worse"
    MIXED = "mixed"  # one percentile better, another worse
    NO_DIFFERENCE_SEEN = "no-difference-seen"  # the intervals hold both
    NOT_COMPARABLE = "not-comparable"  # ``Comparison.obstacle`` says why


@dataclass(frozen=True, slots=True)
class Change:
    """One metric on both sides.

    Attributes:
        metric: A name of ``diag.findings.metrics``, or ``throughput``.
        unit: Of all values.
        before: Pooled over the captures before.
        after: Likewise.
        low: Least difference, after minus before, that the captures allow, at ``thresholds.LEVEL``.
        high: Largest one.
    """

    metric: str
    unit: str
    before: float | Unavailable
    after: float | Unavailable
    low: float | Unavailable
    high: float | Unavailable

    @property
    def difference(self) -> float | Unavailable:
        """After minus before, in ``unit``."""
        if isinstance(self.before, Unavailable):
            return self.before
        if isinstance(self.after, Unavailable):
            return self.after
        return self.after - self.before

    @property
    def outcome(self) -> Outcome:
        """Of a time: whether it fell or rose by more than chance, and by enough to matter."""
        if isinstance(self.low, Unavailable) or isinstance(self.high, Unavailable):
            return Outcome.NO_DIFFERENCE_SEEN
        ratio = self.relative(self.difference)
        if isinstance(ratio, Unavailable) or abs(ratio) < thresholds.MATTERS_MIN_RATIO:
            return Outcome.NO_DIFFERENCE_SEEN
        if self.high < 0:
            return Outcome.BETTER
        return Outcome.WORSE if self.low > 0 else Outcome.NO_DIFFERENCE_SEEN

    def relative(self, difference: float | Unavailable) -> float | Unavailable:
        """A difference, or an end of its interval, as a ratio of the value before."""
        if isinstance(difference, Unavailable):
            return difference
        if isinstance(self.before, Unavailable):
            return self.before
        if self.before <= 0:
            return Unavailable("it was 0 before")
        return difference / self.before


@dataclass(frozen=True, slots=True)
class Circumstance:
    """Something other than the change under test that may differ between the sides.

    Attributes:
        name: What, in words.
        before: Value as it is shown.
        after: Likewise.
        differs: Whether the difference can move latency by itself; Unavailable where a side does
            not show it.
        consequence: What follows from the difference, in one sentence; "" where nothing does.
        of_server: Whether it is the server's own, and so may be the very change under test.
    """

    name: str
    before: str
    after: str
    differs: bool | Unavailable
    consequence: str = ""
    of_server: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check of a finding before, measured after.

    Attributes:
        finding: Id of the finding that asked for it.
        check: With the range it must reach, and the value before.
        after: The metric's value after.
        met: Whether it is in the range; Unavailable where the metric has no value after.
    """

    finding: str
    check: Check
    after: float | Unavailable
    met: bool | Unavailable


@dataclass(frozen=True, slots=True)
class SideSummary:
    """The captures of one side.

    Attributes:
        analyses: Of the captures, in the order in which they were given.
        requests: Complete requests in all of them.
        window_ns: Length of their windows together.
        models: In order of first appearance.
    """

    analyses: tuple[Analysis, ...]
    requests: int
    window_ns: int
    models: tuple[str, ...]

    @property
    def captures(self) -> tuple[Capture, ...]:
        """What was analysed."""
        return tuple(each.capture for each in self.analyses)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two sides.

    Attributes:
        outcome: Of the latency.
        obstacle: Why the sides cannot be compared, in half a sentence; "" if they can.
        main: The change that the outcome rests on; None where no side has requests.
        changes: Latency first, then stages by the size of their change, then batches and idle time.
        circumstances: What else may differ.
        went: Findings of the side before that the side after does not have, by rule.
        came: Likewise the other way.
        stayed: Of both sides, as the side after states them.
        checks: Of the findings before.
        wanted_window_ns: Length of a recording, on each side, that shows a change of
            ``thresholds.WANTED_RATIO``: longer than the recorded one if that would not have.
            Unavailable where it cannot be told or was not needed.
    """

    before: SideSummary
    after: SideSummary
    outcome: Outcome
    obstacle: str
    main: Change | None
    changes: tuple[Change, ...]
    circumstances: tuple[Circumstance, ...]
    went: tuple[Finding, ...]
    came: tuple[Finding, ...]
    stayed: tuple[Finding, ...]
    checks: tuple[CheckResult, ...]
    wanted_window_ns: int | Unavailable

    def change(self, metric: str) -> Change | Unavailable:
        """The change of a metric."""
        for change in self.changes:
            if change.metric == metric:
                return change
        return Unavailable("neither side shows it")
