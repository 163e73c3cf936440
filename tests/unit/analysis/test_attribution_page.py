"""docs/attribution.md names every stage, cause, mode and count, and classes ops as code does."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from diag.analysis.device import caveats as device_caveats
from diag.analysis.execution import op_class
from diag.analysis.execution.device_lines import DERIVED_LINES, OVERHEAD_EVENTS
from diag.analysis.execution.op_class import OpClass, classify
from diag.analysis.idle.confidence import DISTANCE
from diag.analysis.result import Counts
from diag.formats.trace import event_names as ev
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


def idle_rows() -> list[tuple[int, str, bool]]:
    """Order, cause and whether it is starvation, of every row of the idle causes."""
    section = PAGE[PAGE.index("## Idle causes") :]
    rows = re.findall(r"^\| (\d+) \| `([\w-]+)`.*\| (yes|no) \|$", section, re.M)
    return [(int(order), cause, answer == "yes") for order, cause, answer in rows]


def test_causes_are_listed_in_order_of_precedence() -> None:
    """The order of the causes on a GPU, each where it comes first."""
    shown = idle_rows()
    assert [order for order, _, _ in shown] == list(range(1, 20))
    causes = [cause for _, cause, _ in shown]
    causes.remove("unexplained")  # the runs that tracer level 1 hides, then as the last resort
    again = causes.index("preprocess", causes.index("preprocess") + 1)
    assert causes.pop(again) == "preprocess"  # ahead of a batcher, then as before
    assert causes == [cause.value for cause in IdleCause]


def test_starvation_is_what_the_model_says_it_is() -> None:
    assert {IdleCause(name) for _, name, starved in idle_rows() if starved} == {
        cause for cause in IdleCause if cause.is_starvation
    }


def test_causes_are_tried_in_the_order_in_which_the_model_lists_them() -> None:
    distance = [DISTANCE[cause] for cause in IdleCause]
    assert distance == sorted(distance)


def test_calls_that_explain_idle_time_are_named() -> None:
    section = PAGE[PAGE.index("## Idle causes") :]
    for names in (ev.SYNC_CALLS[:3], ev.COPY_CALLS, OVERHEAD_EVENTS, ev.MODULE_LOAD_CALLS[:1]):
        for name in names:
            assert f"`{name}`" in section


@pytest.mark.parametrize(
    "code", re.findall(r'Caveat\(\s*"([a-z-]+)"', inspect.getsource(device_caveats)), ids=str
)
def test_every_caveat_about_gpus_is_described(code: str) -> None:
    assert f"| `{code}` |" in PAGE
