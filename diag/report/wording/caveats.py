"""Caveats as sentences: what is limited and why; and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.wording.device_caveats import DEVICE_SENTENCES
from diag.report.wording.facts import Facts
from diag.report.wording.parameter_caveats import PARAMETER_SENTENCES
from diag.report.wording.remedies import REMEDIES
from diag.report.wording.request_caveats import REQUEST_SENTENCES
from diag.report.wording.source_caveats import SOURCE_SENTENCES

if TYPE_CHECKING:
    from diag.model.caveat import Caveat

SENTENCES = {
    **SOURCE_SENTENCES,
    **DEVICE_SENTENCES,
    **REQUEST_SENTENCES,
    **PARAMETER_SENTENCES,
}


def describe_caveat(caveat: Caveat) -> str:
    """One to three sentences: what is limited, and why.

    A caveat that a capture recorded, maybe with another version of diag, has its recorded text.
    """
    if caveat.recorded_text:
        return caveat.recorded_text
    describe = SENTENCES.get(caveat.code)
    return describe(Facts(caveat)) if describe else f"{caveat.code}: this diag has no text for it."


def advise_caveat(caveat: Caveat) -> str:
    """What to do about it, as one sentence with the options of the command line; "" for nothing."""
    advise = REMEDIES.get(caveat.remedy)
    return advise(Facts(caveat)) if advise else ""
