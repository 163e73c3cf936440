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
    """Every caveat with its code; ``None.`` where there is none.

    A finding with the code of a caveat is about the same thing and has the advice already.
    """
    found = {finding.id for finding in inputs.findings}
    notes = []
    for item in inputs.caveats:
        if inputs.verdict.id != _SAID_BY_VERDICT.get(item.code):
            advice = "" if item.code in found else item.advice
            text = " ".join(filter(None, (item.text, advice, f"[{item.code}]")))
            notes.append(Note(text, style="item"))
    if not notes and not inputs.analysis.program.may_serve:
        return  # the verdict has said what is not known
    shown = tuple(notes) or (Note("None."),)
    yield Section(id="doubts", title="Limits of this analysis", notes=shown)
