"""The public library: what ``diag`` offers, and how little importing it costs."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import diag
from diag import errors
from tests.hygiene.test_imports import HEAVY

LIBRARY_PAGE = Path(__file__).parents[2] / "docs" / "library.md"
IMPORT_MAX_MICROSECONDS = 20_000


def test_the_names_are_sorted_and_each_of_them_exists() -> None:
    assert len(diag.__all__) == len(set(diag.__all__)) > 20
    constants = sorted(name for name in diag.__all__ if name.isupper())
    types_ = sorted(name for name in diag.__all__ if name[0].isupper() and not name.isupper())
    others = sorted(name for name in diag.__all__ if not name[0].isupper())
    assert [*constants, *types_, *others] == diag.__all__
    for name in diag.__all__:
        assert getattr(diag, name) is not None
    assert set(diag.__all__) <= set(dir(diag))


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'diag' has no attribute 'analyse'"):
        diag.analyse  # noqa: B018 - the access is what is tested


def test_every_error_of_the_tree_is_public() -> None:
    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.DiagError)
    }
    assert len(tree) > 15
    assert tree <= set(diag.__all__)


def test_importing_diag_loads_nothing_heavy_until_a_name_is_used() -> None:
    program = """
import json, sys
import diag
first = sorted(sys.modules)
diag.DiagError, diag.TABLE_NAMES, diag.TABLE_FORMATS
second = sorted(sys.modules)
diag.open_bundle
print(json.dumps([first, second, sorted(sys.modules)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    first, second, third = map(set, json.loads(done.stdout))
    assert not HEAVY & second
    assert {name for name in first if name.startswith("diag")} == {"diag", "diag.version"}
    assert "numpy" in third
    assert not {"grpc", "psutil", "tensorflow"} & third


def test_importing_diag_is_fast() -> None:
    best = min(_import_microseconds() for _ in range(5))
    assert best < IMPORT_MAX_MICROSECONDS


def _import_microseconds() -> int:
    """Cumulative time of ``import diag``, by the interpreter's own count."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import diag"],
        capture_output=True,
        check=True,
        text=True,
    )
    found = re.search(r"\|\s+(\d+) \| diag$", done.stderr, re.M)
    assert found is not None
    return int(found[1])


def test_a_type_checker_sees_the_signatures(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import diag\n"
        "capture = diag.open_bundle('b.zip', run='newest')\n"
        "reveal_type(diag.analyze(capture))\n"
        "reveal_type(diag.table(diag.analyze(capture), 'requests').to_numpy())\n"
        "diag.open_bundle(1.5)\n"
        "diag.analyse(capture)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", program],
        capture_output=True,
        text=True,
    )
    assert 'Revealed type is "diag.analysis.result.Analysis"' in done.stdout
    assert "MaskedArray" in done.stdout
    assert len(re.findall(r"error: ", done.stdout)) == 2, done.stdout
    assert 'Module has no attribute "analyse"' in done.stdout
    assert 'Argument 1 to "open_bundle" has incompatible type "float"' in done.stdout


def test_public_functions_and_types_say_what_they_do() -> None:
    for name in diag.__all__:
        value = getattr(diag, name)
        if inspect.isroutine(value) or inspect.isclass(value):
            assert value.__doc__, name


def test_no_function_hides_a_module_of_the_same_name() -> None:
    """``import diag.analysis.x as m`` gives the module, whatever a package exports."""
    names = [
        module.name
        for module in pkgutil.walk_packages(diag.__path__, "diag.")
        if not module.name.startswith(("diag.demo", "diag.__main__"))
    ]
    assert len(names) > 100
    for name in names:
        importlib.import_module(name)
    for name in diag.__all__:
        getattr(diag, name)
    for name in names:
        package, _, child = name.rpartition(".")
        found = getattr(sys.modules[package], child)
        assert isinstance(found, types.ModuleType), f"{name} is a {type(found).__name__}"
        assert found is sys.modules[name]
