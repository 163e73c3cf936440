"""docs/attribution.md names every stage, cause, mode and count, and classes ops as code does."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from diag.analysis.device import caveats as device_caveats
from diag.analysis.execution import op_class
from diag.analysis.execution.device_lines import DERIVED_LINES
from diag.analysis.execution.op_class import OpClass, classify
from diag.analysis.result import Counts
from diag.model.gaps import IdleCause
from diag.model.serving import CloseReason, Mode, Stage

PAGE = (Path(__file__).parents[3] / "docs" / "attribution.md").read_text("utf-8")
ROW = re.compile(r"^\| (preprocess|glue|call|model) \| (.+?) \| .+ \|$", re.M)
CLASSES = {
    "preprocess": OpClass.PREPROCESS,
    "glue": OpClass.GLUE,
    "call": OpClass.CALL,
    "model": OpClass.MODEL,
}


@pytest.mark.parametrize("name", [item.value for kind in (Stage, IdleCause, Mode) for item in kind])
def test_every_stage_cause_and_mode_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_close_reason_and_count_is_described() -> None:
    for reason in CloseReason:
        assert f"**{reason.value}**" in PAGE
    for count in fields(Counts):
        if count.name != "events":
            assert f"| {count.name.replace('_', ' ')} |" in PAGE


def test_lines_that_are_no_streams_are_listed() -> None:
    for line in DERIVED_LINES:
        assert f"`{line}`" in PAGE


def test_ops_of_the_table_are_classed_as_it_says() -> None:
    rows = ROW.findall(PAGE)
    assert {kind for kind, _ in rows} == set(CLASSES)
    for kind, text in rows:
        ops = re.findall(r"`(\w+)`", text)
        assert len(ops) >= 4
        assert {op: classify(f"node:{op}") for op in ops} == dict.fromkeys(ops, CLASSES[kind])


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("preprocess", op_class.PREPROCESS_OPS),
        ("glue", op_class.GLUE_OPS),
        ("call", op_class.CALL_OPS),
    ],
)
def test_patterns_are_shown_in_full(name: str, pattern: re.Pattern[str]) -> None:
    shown = re.search(rf"<!-- {name} -->\n```text\n(.*?)```", PAGE, re.S)
    assert shown
    assert "".join(shown[1].split()) == "".join(pattern.pattern.split())


def test_causes_are_listed_in_order_of_precedence() -> None:
    rows = re.findall(r"^\| (\d) \| `([\w-]+)`", PAGE, re.M)
    assert [int(order) for order, _ in rows] == list(range(1, 9))
    assert [cause for _, cause in rows] == [
        "preprocess",
        "executor-pool",
        "batch-threads-in-host-work",
        "dispatch",
        "batch-fill",
        "preprocess",
        "unexplained",
        "no-demand",
    ]


def test_starvation_is_what_the_model_says_it_is() -> None:
    rows = dict(re.findall(r"^\| [1-8] \| `([\w-]+)`.*\| (yes|no) \|$", PAGE, re.M))
    assert {IdleCause(name) for name, answer in rows.items() if answer == "yes"} == {
        cause for cause in IdleCause if cause.is_starvation
    }


@pytest.mark.parametrize(
    "code", re.findall(r'"([a-z-]+)",\n', inspect.getsource(device_caveats)), ids=str
)
def test_every_caveat_about_gpus_is_described(code: str) -> None:
    assert f"| `{code}` |" in PAGE
