"""The rules, by what they look at; each module lists the ids of its rules.

A module has ``IDS`` and ``check(deployment)``, which yields problems with these ids. Every module
of this package is used; a new id needs a page ``docs/lint/<id>.md``.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.linting.deployment import Deployment
    from diag.linting.problem import Problem

_MODULES = tuple(
    importlib.import_module(f"{__name__}.{name}")
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__))
)
LINT_IDS: tuple[str, ...] = tuple(sorted({id_ for module in _MODULES for id_ in module.IDS}))


def check_all(deployment: Deployment) -> Iterator[Problem]:
    """What every rule finds, module by module."""
    for module in _MODULES:
        yield from module.check(deployment)
