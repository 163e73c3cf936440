"""What limits the numbers below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.without_requests import NOT_RECORDED
from diag.report.model import Note, Section
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator


# A caveat whose sentence is a verdict's: code and the verdict's id.
_SAID_BY_VERDICT = {"unbatched-not-recorded": NOT_RECORDED}


@topic(order=400)
def doubt_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Every caveat with its code; ``None.`` where there is none."""
    notes = tuple(
        Note(" ".join(filter(None, (item.text, item.advice, f"[{item.code}]"))), style="item")
        for item in inputs.caveats
        if inputs.verdict.id != _SAID_BY_VERDICT.get(item.code)
    )
    yield Section(id="doubts", title="Limits of this analysis", notes=notes or (Note("None."),))
