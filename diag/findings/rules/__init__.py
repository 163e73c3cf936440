"""The rules: one module each, named after the rule's id.

A rule module has ``ID``, the finding's permanent id, and one function, pure in its inputs:
``find(inputs) -> Finding | None`` for a rule about complete requests, or ``find_failed(failed) ->
Finding | None`` for one about failed requests, which needs no complete one, or
``find_in_loop(inputs) -> Finding | None`` for one about a Python loop around a model. A
rule that can find nothing without some source names it in ``NEEDS`` (diag/findings/sources.py).
Every module in this package is a rule; adding one needs no other change of code, but a page
``docs/findings/<id>.md``.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from diag.findings.failure_finding import FailureInputs
    from diag.findings.inputs import RuleInputs
    from diag.findings.loop_inputs import LoopInputs
    from diag.findings.sources import Need
    from diag.model.finding import Finding


class Rule(NamedTuple):
    """One rule: the id of its finding, the function that looks for it, and what that needs."""

    id: str
    find: Callable[[RuleInputs], Finding | None]
    needs: tuple[Need, ...] = ()


class FailureRule(NamedTuple):
    """One rule about failed requests: the id of its finding, and the function that looks for it."""

    id: str
    find: Callable[[FailureInputs], Finding | None]


class LoopRule(NamedTuple):
    """One rule about Python loops: the id of its finding, and the function that looks for it."""

    id: str
    find: Callable[[LoopInputs], Finding | None]


def _modules() -> tuple[ModuleType, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)


RULES = tuple(
    Rule(each.ID, each.find, getattr(each, "NEEDS", ()))
    for each in _modules()
    if hasattr(each, "find")
)
FAILURE_RULES = tuple(
    FailureRule(each.ID, each.find_failed) for each in _modules() if hasattr(each, "find_failed")
)
LOOP_RULES = tuple(
    LoopRule(each.ID, each.find_in_loop) for each in _modules() if hasattr(each, "find_in_loop")
)
RULE_IDS = tuple(
    sorted(
        [rule.id for rule in RULES]
        + [rule.id for rule in FAILURE_RULES]
        + [rule.id for rule in LOOP_RULES]
    )
)
