"""No file of diag imports itself by way of others, whenever the imports run.

Import-linter keeps the packages in order; within a package, and for imports inside functions, this
test does. The graph is read from the source, so an import counts wherever it is in a file: at the
top, in a function, in a class, or under ``TYPE_CHECKING``. Its edges are:

- ``import diag.x.y`` and ``from diag.x.y import name`` to ``diag.x.y``;
- ``from diag.x import y`` to ``diag.x.y`` if that is a module, otherwise to ``diag.x``, which is
  then the ``__init__`` of a package. A package that exports what its modules define counts like any
  other file, and so does a module that imports a name from the package that it is in.

Python also runs the ``__init__`` of every package above an imported module. These runs are not
edges: they need nothing from the ``__init__``, and with them no package could export a name of its
modules. Modules that a registry finds by the names of files (``importlib``) are not edges either.
"""

from __future__ import annotations

import ast
import graphlib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[2]


def read_modules(root: Path, package: str) -> dict[str, ast.Module]:
    """The syntax tree of each Python file of a package; of a compiled module, of its stub."""
    modules = {}
    for path in sorted((root / package).rglob("*.py*")):
        if path.suffix in (".py", ".pyi"):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules.setdefault(name, ast.parse(path.read_text()))
    return modules


def imported(tree: ast.Module, folder: str, modules: Collection[str]) -> Iterator[str]:
    """The modules that one file imports anywhere in it.

    Args:
        tree: Syntax tree of the file.
        folder: The package that the file lies in.
        modules: Names of all modules that count.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module, "relative imports are not resolved here"
            assert node.level < 2, "only imports from the same folder are resolved here"
            module = f"{folder}.{node.module}" if node.level else node.module
            below = [f"{module}.{alias.name}" for alias in node.names]
            names = [name if name in modules else module for name in below]
        else:
            continue
        yield from (name for name in names if name in modules)


def import_graph(modules: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """The modules that each module imports."""
    return {
        name: set(imported(tree, name.rpartition(".")[0], modules))
        for name, tree in modules.items()
    }


def cycle_in(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Modules of which each imports the next, the first also as the last; empty if none do."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1][::-1]
    return []


def graph_of(**files: str) -> dict[str, set[str]]:
    """The graph of files whose names have ``_`` in place of dots."""
    trees = {name.replace("_", "."): ast.parse(text) for name, text in files.items()}
    return import_graph(trees)


def test_no_file_of_diag_imports_itself_by_way_of_others():
    modules = read_modules(ROOT, "diag")
    graph = import_graph(modules)
    assert len(graph) > 400
    assert "diag.formats.trace._xspace" in graph
    assert {"diag.analysis", "diag.tables.table"} <= graph["diag"]  # under TYPE_CHECKING
    assert "diag.tables.formats.parquet" in graph["diag.tables.formats"]  # in a function
    cycle = cycle_in(graph)
    assert not cycle, "a cycle of imports: " + " -> ".join(cycle)


@pytest.mark.parametrize(
    "back",
    [
        "import p.a",
        "from p.a import X",
        "from p import a",
        "def f():\n    from p.a import X",
        "class C:\n    def f(self):\n        import p.a",
        "if TYPE_CHECKING:\n    from p.a import X",
        "try:\n    import p.a\nexcept ImportError:\n    pass",
    ],
)
def test_a_cycle_is_found_wherever_an_import_of_it_is(back):
    graph = graph_of(p="", p_a="from p import b", p_b="from p.c import Y", p_c=back)
    cycle = cycle_in(graph)
    assert cycle[0] == cycle[-1]
    assert set(pairwise(cycle)) == {("p.a", "p.b"), ("p.b", "p.c"), ("p.c", "p.a")}
    assert cycle_in(graph_of(p="", p_a="from p import b", p_b="from p.c import Y", p_c="")) == []


def test_a_name_of_the_own_package_is_an_import_of_its_init_and_a_module_of_it_is_not():
    assert cycle_in(graph_of(p="from p.a import X", p_a="from p import Y")) in (
        ["p", "p.a", "p"],
        ["p.a", "p", "p.a"],
    )
    assert cycle_in(graph_of(p="from p.a import X", p_a="from p import b", p_b="")) == []
    assert cycle_in(graph_of(p="from p.a import X", p_a="import os, p.b", p_b="")) == []


def test_a_file_that_imports_itself_is_a_cycle():
    assert cycle_in(graph_of(p="", p_a="from p.a import X")) == ["p.a", "p.a"]
