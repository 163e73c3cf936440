"""How numbers and names look."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.model.availability import Unavailable
from diag.model.printable import kernel_name, printable, spelt_out_for_json
from diag.model.quantity import byte_size, duration, milliseconds, number, percent, quantity

META_KERNEL = (
    "void Eigen::internal::EigenMetaKernel<Eigen::TensorEvaluator<Eigen::TensorAssignOp<"
    "Eigen::TensorMap<float>, int> const, Eigen::GpuDevice>, int>(Eigen::X<float>, int)"
)
GEMV = (
    "std::enable_if<!(false), void>::type internal::gemvx::kernel<int, int, float, float, "
    "float, float, false, true, 7, cublasGemvParamsEx<int>>(cublasGemvParamsEx<int>)"
)
NOWHERE = Unavailable("no reason")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0"),
        (1, "<0.001"),
        (-1, ">-0.001"),
        (500, "0.001"),
        (56_000, "0.056"),
        (-500_000, "-0.500"),
        (3_815_000, "3.81"),
        (12_600_000, "12.6"),
        (123_456_789, "123"),
        (1_576_000_000, "1,576"),
        (NOWHERE, "n/a"),
    ],
)
def test_a_cell_in_milliseconds_has_three_digits_that_count(ns, text):
    assert milliseconds(ns) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (840_000, "840 µs"),
        (12_600_000, "12.6 ms"),
        (2_020_000_000, "2.02 s"),
        (NOWHERE, "n/a"),
    ],
)
def test_a_duration_takes_the_unit_that_suits_it(ns, text):
    assert duration(ns) == text


def test_shares_counts_and_bytes():
    assert percent(0.6824) == "68.2%"
    assert percent(-0.0001) == "0.0%"
    assert percent(NOWHERE) == "n/a"
    assert number(1234) == "1,234"
    assert number(1.608) == "1.61"
    assert number(NOWHERE) == "n/a"
    assert byte_size(512) == "512 B"
    assert byte_size(1.5 * 2**20) == "1.50 MiB"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12_600_000.0, "ns", "12.6 ms"),
        (84.0, "ms", "84.0 ms"),
        (0.61, "ratio", "61.0%"),
        (2.0**30, "bytes", "1.00 GiB"),
        (6.0, "threads", "6 threads"),
        (1.6, "rows", "1.60 rows"),
        (300_000.0, "mW", "300 W"),
        (4711.0, "pid", "4711"),
        (24.9, "% of one core", "24.9% of one core"),
        (3.0, "", "3"),
        (NOWHERE, "ns", "n/a"),
    ],
)
def test_a_quantity_is_shown_in_the_form_its_unit_asks_for(value, unit, text):
    assert quantity(value, unit) == text


@given(st.text(st.characters(exclude_categories=[])))
def test_printable_leaves_nothing_that_steers_a_terminal(text):
    shown = printable(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert printable(shown) == shown


def test_printable_keeps_letters_of_any_script_and_spells_out_the_rest():
    assert printable("Modèle 模型") == "Modèle 模型"
    assert printable("a\x1b[31m\n\u202eb\udc80") == r"a\x1b[31m\x0a\u202eb\udc80"


def test_a_long_name_keeps_its_head_and_its_tail():
    shown = printable("h" * 5_000 + "t" * 5_000, 60)
    assert len(shown) == 60
    assert shown.startswith("hhh")
    assert shown.endswith("ttt")
    assert "…" in shown


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaping_json_changes_no_value(text):
    encoded = json.dumps(text, ensure_ascii=False)
    escaped = spelt_out_for_json(encoded)
    assert json.loads(escaped) == text
    assert not any(0x7F <= ord(c) < 0xA0 for c in escaped if ord(c) > 0x7E)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("gemm", "gemm"),
        (
            META_KERNEL,
            "Eigen::internal::EigenMetaKernel<Eigen::TensorEvalua…>, int>",
        ),
        (
            GEMV,
            "internal::gemvx::kernel<int, int, float, float, fl…sEx<int>>",
        ),
        (
            "void (anonymous namespace)::elementwise_kernel<a::b<4>::c, float, 4, 4, 4, 4, 4>(int)",
            "elementwise_kernel<a::b<4>::c, float, 4, 4, 4, 4, 4>",
        ),
        (
            "void outer::of::many::long::namespaces::indeed::so::many::that::none::fits::f<int>()",
            "…::namespaces::indeed::so::many::that::none::fits::f<int>",
        ),
        ("loop fusion of ops " * 5, "loop fusion of ops loop fusion of ops loop f…p fusion of ops"),
        ("Cijk_Ailk_" + "MT" * 40 + ".kd", "Cijk_Ailk_" + "MT" * 17 + "…" + "MT" * 6 + ".kd"),
    ],
)
def test_a_kernels_function_stays_in_sight(symbol, name):
    shown = kernel_name(symbol)
    assert len(shown) <= 60
    assert shown == name


@given(st.text(st.sampled_from("<>(): ,-fT…\x1b")), st.integers(8, 60))
def test_any_symbol_has_a_short_harmless_name(symbol, room):
    shown = kernel_name(symbol * 3, room)
    assert shown == printable(shown)
    assert bool(shown) == bool(symbol)


def test_a_symbol_of_a_million_brackets_takes_no_time():
    started = time.perf_counter()
    assert len(kernel_name("<" * 1_000_000)) <= 60
    assert len(kernel_name("a::" * 1_000_000)) <= 60
    assert time.perf_counter() - started < 1
