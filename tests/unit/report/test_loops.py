"""The sections and the table about Python loops."""

from __future__ import annotations

from diag.report.build import build_report
from diag.report.rendering import render
from diag.report.sections.loops import LOOP_COLUMNS
from diag.tables.registry import table
from tests.unit.analysis.loops.programs import (
    LOADING,
    TAKING,
    analyzed_program,
    dataset,
    eager,
    every_ms,
    functions,
)
from tests.unit.report.factory import make_analysis


def tables_of(analysis):
    return {each.id: each for section in build_report(analysis).sections for each in section.tables}


def test_the_stages_of_iterations_add_up_to_all_of_their_time():
    rows = tables_of(analyzed_program(eager(5, 10_000)))["loop"].rows
    shares = {row["stage"]: row["share"] for row in rows}
    assert shares.pop("iteration") == 1.0
    call = shares.pop("model-call")
    assert call == shares["dispatch"] + shares["model"]
    assert abs(sum(shares.values()) - 1) < 1e-12
    assert {column.key for column in LOOP_COLUMNS} >= set(rows[0])


def test_shares_of_work_leave_waiting_for_requests_out():
    rows = tables_of(analyzed_program(eager(5, 10_000), every_ms(52_000, TAKING)))["loop"].rows
    by_stage = {row["stage"]: row for row in rows}
    assert "share_of_work" not in by_stage["request-wait"]
    assert by_stage["model"]["share_of_work"] == 200 / 450


def test_functions_and_pipelines_have_tables_of_their_own():
    analysis = analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING))
    text = render(build_report(analysis), "text")
    assert "Python functions with most time" in text
    assert "serve.py:10 load" in text
    tables = tables_of(analyzed_program(dataset(10, 3000)))
    assert tables["pipelines"].rows[0]["critical"] == "MapAndBatch"
    assert [row["stage"] for row in tables["pipeline_stages"].rows] == [
        "Prefetch",
        "MapAndBatch",
        "TensorSlice",
    ]
    assert "functions" not in tables


def test_without_samples_the_report_says_what_is_missing():
    text = render(build_report(analyzed_program(eager(5, 10_000))), "text")
    said = " ".join(text.split())
    assert "Python functions not sampled: only the trace was given, not a bundle." in said
    assert "diag run, or call diag.attach()" in said
    assert "python-not-sampled" not in render(
        build_report(analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING))), "text"
    )


def test_another_program_has_no_such_section():
    assert not {"loop", "functions", "pipelines"} & set(tables_of(make_analysis()))


def test_iterations_are_exported_with_stages_that_add_up():
    made = table(analyzed_program(functions(5, 1000, 500)), "iterations")
    columns = {column.info.name: column for column in made.columns}
    stages = [c.values for name, c in columns.items() if name.startswith("stage_")]
    assert (sum(stages) == columns["duration_ns"].values).all()
    assert columns["complete"].values.tolist() == [False, True, True, True, True]
