"""What judges diag shares no rule with it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ORACLES = (*sorted((TESTS / "oracle").glob("*.py")), TESTS / "gpu" / "batcher.py")


@pytest.mark.parametrize("path", ORACLES, ids=lambda path: path.name)
def test_an_oracle_uses_neither_the_scheduler_nor_the_analysis(path: Path) -> None:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    rules = ("diag.simulation", "diag.analysis", "diag.testing.gpu_server")
    assert [name for name in sorted(modules) if name.startswith(rules)] == []
