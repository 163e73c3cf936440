"""The closed loop: capture, apply the first remedy that the demo can, capture again, compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import diag
from diag.comparison.result import Outcome
from diag.demo.recording import RecordingOptions, record_scenario
from diag.demo.remedied import remedied
from diag.findings.metrics import measure
from diag.model.availability import Unavailable
from diag.model.quantity import quantity
from diag.report.wording.metrics import describe_gain, metric_name

if TYPE_CHECKING:
    from pathlib import Path

    from diag.capture.progress import Progress
    from diag.demo.scenario import Scenario
    from diag.model.finding import Finding


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """What a remedy brought.

    Attributes:
        earlier: Findings that come first, whose remedies the demo cannot apply: those about other
            programs on this machine, for example.
        finding: The first whose remedy was applied; None where nothing was changed.
        applied: What was changed; Unavailable where nothing was.
        comparison: Of the captures before and after; None where nothing was changed.
        gained: The gain's metric after the change, in its unit; Unavailable where the finding
            promises no gain.
    """

    earlier: tuple[Finding, ...]
    finding: Finding | None
    applied: str | Unavailable
    comparison: diag.Comparison | None
    gained: float | Unavailable

    @property
    def failure(self) -> str:
        """Why the loop did not close, in half a sentence; "" if it did, or if nothing was changed.

        A gain larger than promised is no failure.
        """
        if self.comparison is None or self.finding is None:
            return ""
        if self.comparison.outcome is Outcome.NOT_COMPARABLE:
            return f"the two captures cannot be compared: {self.comparison.obstacle}"
        if self.comparison.outcome is Outcome.WORSE:
            return "requests became slower"
        gain = self.finding.gain
        if isinstance(gain, Unavailable) or isinstance(self.gained, Unavailable):
            return ""
        if self.gained > gain.high:
            return (
                f"{metric_name(gain.metric)} is {quantity(self.gained, gain.unit)}, and at most "
                f"{quantity(gain.high, gain.unit)} was promised"
            )
        return ""


def close_loop(
    scenario: Scenario, folder: Path, options: RecordingOptions, progress: Progress
) -> ClosedLoop:
    """Capture, change, capture again.

    Args:
        scenario: What to serve.
        folder: An existing folder; the captures go to ``before/`` and ``after/`` in it.
        options: Of both recordings.
        progress: Told of each step.

    Raises:
        DiagError: As of ``record_scenario``.
    """
    before = _record(scenario, folder / "before", options, progress)
    findings = diag.find(before)
    reason = Unavailable("the capture has no finding")
    for position, finding in enumerate(findings):
        change = remedied(scenario, finding, folder)
        if not isinstance(change, Unavailable):
            break
        reason = change if position == 0 else reason
    else:
        return ClosedLoop(findings, None, reason, None, reason)
    progress.say(f"finding: {finding.what}")
    progress.say(f"changing the server: {change.applied}")
    changed = replace(options, server_options=(*options.server_options, *change.options))
    after = _record(scenario, folder / "after", changed, progress)
    gain = finding.gain
    return ClosedLoop(
        findings[:position],
        finding,
        change.applied,
        diag.compare([before], [after]),
        gain if isinstance(gain, Unavailable) else measure(after, gain.metric),
    )


def _record(
    scenario: Scenario, folder: Path, options: RecordingOptions, progress: Progress
) -> diag.Analysis:
    folder.mkdir()
    recorded = record_scenario(scenario, folder, options, progress)
    return diag.analyze(diag.open_bundle(recorded.bundle))


def loop_text(loop: ClosedLoop) -> str:
    """The loop in lines: finding, change, promise, and what came of it."""
    earlier = [f"first:      {each.what} [{each.id}]" for each in loop.earlier]
    if loop.finding is None or loop.comparison is None:
        reason = loop.applied.reason if isinstance(loop.applied, Unavailable) else ""
        return "\n".join([*earlier, f"Nothing was changed: {reason}."])
    if earlier:
        earlier.append("            The demo cannot change that, and takes the next finding.")
    gain = loop.finding.gain
    lines = [
        *earlier,
        f"finding:    {loop.finding.what} [{loop.finding.id}]",
        f"changed:    {loop.applied}",
        f"promised:   {_promise(loop)}",
    ]
    if not isinstance(gain, Unavailable):
        lines.append(f"came:       {metric_name(gain.metric)} {quantity(loop.gained, gain.unit)}")
    report = diag.build_comparison(loop.comparison)
    return "\n".join([*lines, "", diag.render(report, summary=True)])


def _promise(loop: ClosedLoop) -> str:
    gain = loop.finding.gain if loop.finding else Unavailable("")
    return f"nothing: {gain.reason}" if isinstance(gain, Unavailable) else describe_gain(gain)
