"""The register of a report's topics: a module in ``sections/`` adds one, in its place."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from diag.analysis.result import Analysis
    from diag.findings.verdict import Verdict
    from diag.model.finding import Finding
    from diag.report.model import Section
    from diag.report.parts import CaveatPart

    MakeSections = Callable[["ReportInputs"], Iterable[Section]]


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """What a topic makes its sections of.

    Attributes:
        findings: Ranked; the first is the verdict's.
        caveats: Already in words.
    """

    analysis: Analysis
    findings: tuple[Finding, ...]
    verdict: Verdict
    caveats: tuple[CaveatPart, ...]


TOPICS: dict[int, MakeSections] = {}


def topic(order: int) -> Callable[[MakeSections], MakeSections]:
    """Register a function that makes sections; lower orders stand higher in the report.

    Raises:
        ValueError: Another topic has the same order.
    """

    def register(make: MakeSections) -> MakeSections:
        if order in TOPICS:
            raise ValueError(f"two topics of a report have the order {order}")
        TOPICS[order] = make
        return make

    return register


def make_sections(inputs: ReportInputs) -> tuple[Section, ...]:
    """The sections of all topics, in order."""
    _load()
    made = [section for order in sorted(TOPICS) for section in TOPICS[order](inputs)]
    return tuple(made)


def _load() -> None:
    """Import every module of ``sections/``; each registers itself."""
    package = importlib.import_module("diag.report.sections")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"diag.report.sections.{module.name}")
