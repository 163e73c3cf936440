from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from diag.simulation import scheduler
from diag.testing import space_builder, xspace_builder


@pytest.mark.parametrize("module", [space_builder, xspace_builder, scheduler])
def test_the_examples_in_the_docstrings_run(module: ModuleType) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
