"""``--fail-on``: an exit status of 1 where a finding is there that the caller does not accept."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

import diag
from diag.cli.console import note
from diag.cli.option_groups import option
from diag.errors import FindingReachedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    LimitType = click.ParamType[str]
else:
    LimitType = click.ParamType  # generic since click 8.2 only

# The most serious first: a severity stands for itself and those before it.
SEVERITIES = ("critical", "warning", "info")


class FindingName(LimitType):
    """The id of a finding, or a severity."""

    name = "RULE|SEVERITY"

    def __init__(self, ids: Callable[[], tuple[str, ...]], folder: str) -> None:
        """Accept the severities and the ids that ``ids`` gives, with pages in ``folder``."""
        self._ids = ids
        self._folder = folder

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it is the name of something."""
        known = (*SEVERITIES, *self._ids())
        if value not in known:
            self.fail(self._unknown(value, known), param, ctx)
        return value

    def _unknown(self, value: str, known: tuple[str, ...]) -> str:
        near = difflib.get_close_matches(value, known, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        return (
            f"{value!r} is neither a severity ({', '.join(SEVERITIES)}) nor the id of a finding."
            f"{meant} The ids are the names of the pages in {self._folder}."
        )


fail_on_option = option(
    "--fail-on",
    type=FindingName(lambda: diag.FINDING_IDS, "docs/findings"),
    multiple=True,
    help="Exit with 1 if there is this finding, or any of this severity (critical, warning, info) "
    "or a higher one. May be repeated.",
)


def check_findings(analysis: diag.Analysis, fail_on: Iterable[str]) -> None:
    """Say with ``-v`` which rules could not look, and compare the findings with ``--fail-on``.

    Args:
        analysis: Of which the report is written already.
        fail_on: Ids of findings and severities.

    Raises:
        FindingReachedError: There is such a finding.
    """
    for rule, reason in diag.not_looked_for(analysis):
        note(f"not looked for: {rule}: {reason}")
    wanted = tuple(fail_on)
    reached = [each for each in diag.find(analysis) if is_reached(each, wanted)]
    if reached:
        raise FindingReachedError(
            "; ".join(f"{each.id} ({each.severity.value})" for each in reached),
            cause=f"--fail-on {' --fail-on '.join(wanted)}",
            hint=f"see the report, and {reached[0].docs}",
        )


def is_reached(finding: diag.Finding, wanted: tuple[str, ...]) -> bool:
    """Whether a finding is one of these, or of one of these severities or a higher one."""
    severity = SEVERITIES.index(finding.severity.value)
    return finding.id in wanted or any(each in wanted for each in SEVERITIES[severity:])
