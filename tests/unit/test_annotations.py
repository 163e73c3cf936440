"""Marks without a recording: they change nothing, cost little and import nothing."""

from __future__ import annotations

import subprocess
import sys
import timeit

import pytest

import diag


def test_a_marked_function_is_the_same_function() -> None:
    @diag.stage("double")
    def double(value: int) -> int:
        """Doc."""
        return 2 * value

    assert (double(4), double.__name__, double.__doc__) == (8, "double", "Doc.")


def test_an_exception_passes_a_mark() -> None:
    with pytest.raises(KeyError), diag.request(user=1):
        raise KeyError


def test_a_mark_costs_under_a_microsecond_if_nothing_records() -> None:
    def marked() -> None:
        with diag.request():
            pass

    assert min(timeit.repeat(marked, number=10_000, repeat=20)) / 10_000 < 1e-6


def test_marks_import_the_standard_library_only() -> None:
    program = (
        "import sys; before = set(sys.modules); import diag\n"
        "with diag.request(), diag.stage('x'): pass\n"
        "print({name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert eval(done.stdout) - set(sys.stdlib_module_names) == {"diag"}
