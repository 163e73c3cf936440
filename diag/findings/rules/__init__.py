"""The rules: one module each, named after the rule's id.

A rule module has a function ``find(inputs) -> Finding | None``, pure in its inputs, and
``ID``, the finding's permanent id. Every module in this package is a rule; adding one needs
no other change of code, but a page ``docs/findings/<id>.md``.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.findings.inputs import RuleInputs
    from diag.model.finding import Finding


class Rule(NamedTuple):
    """One rule: the id of its finding, and the function that looks for it."""

    id: str
    find: Callable[[RuleInputs], Finding | None]


def _load() -> tuple[Rule, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(Rule(module.ID, module.find) for module in modules)


RULES: tuple[Rule, ...] = _load()
