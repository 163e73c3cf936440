"""Each format: for people, for CI, and nothing in a name can break out of it."""

from __future__ import annotations

import json
import re

import pytest

import diag

HOSTILE = "::error a%25,b=c;`|<script>\u202e.txt"


@pytest.fixture(name="hostile")
def _hostile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / HOSTILE
    path.write_text(
        'max_batch_size { value: 1 }\nthread_pool_name { value: "\x1b[31m" }\nx\x1b: 1\n'
    )
    (tmp_path / "run.sh").write_text(
        "tensorflow_model_server --model_base_path=/m --\u202e`<b>`\x1b=1\n"
    )
    return diag.lint(sorted(tmp_path.iterdir()))


def test_text_is_a_line_of_a_compiler(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.sh").write_text("tensorflow_model_server --model_base_path=/m --port 1\n")
    text = diag.LINT_FORMATS["text"](diag.lint([tmp_path / "run.sh"]))
    first, fix, last = text.splitlines()
    assert re.fullmatch(r"\S+run\.sh:1:46: critical: .+ \[flag-without-equals\]", first)
    assert fix == "    fix: Write --port=1."
    assert last == "1 critical in 1 file."


def test_no_problem_is_said(tmp_path):
    (tmp_path / "b.txt").write_text("max_batch_size { value: 8 }\n")
    found = diag.lint([tmp_path])
    assert diag.LINT_FORMATS["text"](found) == "No problems in 1 file.\n"
    assert diag.LINT_FORMATS["github"](found) == ""
    assert json.loads(diag.LINT_FORMATS["json"](found))["problems"] == []


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_nothing_steers_a_terminal_or_a_page(hostile, name):
    text = diag.LINT_FORMATS[name](hostile)
    assert len(hostile.problems) >= 2
    assert "\x1b" not in text
    assert "\u202e" not in text
    if name == "markdown":
        assert "<script>" not in text.replace("\\<", "")


def test_annotations_stay_on_their_line(hostile):
    lines = diag.LINT_FORMATS["github"](hostile).splitlines()
    assert len(lines) == len(hostile.problems)
    for line in lines:
        command, _, message = line[2:].partition("::")
        assert command.split(" ")[0] in ("error", "warning", "notice")
        assert "\n" not in message
    assert any("%3A%3Aerror a%2525%2Cb=c;" in line for line in lines)


def test_sarif_has_a_rule_and_a_place_for_each_result(hostile):
    run = json.loads(diag.LINT_FORMATS["sarif"](hostile))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(run["results"]) == len(hostile.problems)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert " " not in place["artifactLocation"]["uri"]
        assert place["region"]["startLine"] >= 1
        assert result["level"] in ("error", "warning", "note")


def test_json_has_what_the_text_says(hostile):
    document = json.loads(diag.LINT_FORMATS["json"](hostile))
    assert document["version"] == 1
    assert sum(document["counts"].values()) == len(document["problems"])
    for problem, found in zip(document["problems"], hostile.problems, strict=True):
        assert problem["rule"] == found.finding.id
        assert (problem["line"], problem["column"]) == (found.place.line, found.place.column)
        assert problem["message"] == found.finding.what
