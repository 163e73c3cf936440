"""diag compare as it is typed, on recorded servers."""

from __future__ import annotations

import json

import jsonschema

from diag.report.comparison.model import COMPARISON_SCHEMA_RESOURCE
from diag.report.formats._json_document import published_schema
from tests.conftest import sample_path
from tests.e2e.test_cli import diag
from tests.golden.update import comparison_schema

BUNDLE = sample_path("demo-batch-timeout") / "bundle.zip"
OTHER_MODEL = sample_path("demo-slow-preprocess") / "bundle.zip"
# Two recordings of one model, whose traces do not name it: a timeout of 10 ms, and one of 4 ms.
SLOWER = sample_path("batch-timeout") / "server.xplane.pb"
FASTER = sample_path("padding") / "server.xplane.pb"


def test_the_outcome_comes_first_and_every_section_follows() -> None:
    done = diag("compare", SLOWER, FASTER, COLUMNS="100")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "server → server"
    assert lines[2].startswith(
        "Latency fell, but not under the same conditions: mean latency 12.6 ms → "
    )
    headings = [line for line in lines if line and lines[lines.index(line) - 1] == ""]
    for heading in (
        "Latency and load",
        "Where a request's time changed",
        "Idle and busy time of the device or CPU",
        "Findings",
        "Checks of the findings before",
        "Can they be compared?",
    ):
        assert heading in headings


def test_a_capture_does_not_differ_from_itself() -> None:
    done = diag("compare", BUNDLE, BUNDLE, "--format", "json")
    document = json.loads(done.stdout)
    assert document["outcome"] == "no-difference-seen"
    assert document["findings_kept"] == ["batch-timeout-dominates"]
    assert document["findings_new"] == document["findings_gone"] == []
    for change in document["changes"]:
        if isinstance(change["low"], float):
            assert change["low"] <= 0 <= change["high"]
    assert {item["differs"] for item in document["circumstances"]} == {False}


def test_the_json_is_of_the_published_schema_and_the_schema_is_current() -> None:
    schema = published_schema(COMPARISON_SCHEMA_RESOURCE)
    assert schema == comparison_schema()
    document = json.loads(diag("compare", SLOWER, FASTER, "--format", "json").stdout)
    jsonschema.validate(document, json.loads(schema))


def test_every_format_writes_the_comparison() -> None:
    for format_, first in (
        ("markdown", "# server → server"),
        ("csv", "section,subject,table,row,name,column,value,unit,reason"),
    ):
        done = diag("compare", SLOWER, FASTER, "--format", format_)
        assert done.stdout.splitlines()[0] == first


def test_a_pipeline_fails_by_the_exit_status() -> None:
    worse = ("compare", FASTER, SLOWER, "--summary")
    assert diag(*worse).returncode == 0
    passed = diag(*worse, "--fail-on-regression", "p50=500%")
    assert (passed.returncode, passed.stderr) == (0, "")
    failed = diag(*worse, "--fail-on-regression", "mean=10%", "--fail-on-regression", "p50=5%")
    assert failed.returncode == 1
    assert "Latency rose, but not under the same conditions: " in failed.stdout
    assert "mean rose by " in failed.stderr
    assert "and the limit is 10%; p50 rose by " in failed.stderr


def test_what_cannot_be_judged_does_not_pass(tmp_path) -> None:
    few = sample_path("no-batching") / "server.xplane.pb"
    done = diag("compare", FASTER, FASTER, "--fail-on-regression", "p99=10%")
    assert done.returncode == 0
    done = diag("compare", few, few, "--fail-on-regression", "p99=10%")
    assert done.returncode == 1
    assert "p99 cannot be judged: 127 requests, 500 needed" in done.stderr
    assert "hint:  record longer" in done.stderr
    empty = tmp_path / "empty.xplane.pb"
    # A space with one empty host plane: field 1, length 11, whose field 2 is its name.
    empty.write_bytes(b"\x0a\x0b\x12\x09/host:CPU")
    done = diag("compare", few, empty, "--fail-on-regression", "p99=10%")
    assert done.returncode == 5
    assert "no complete request was recorded after" in " ".join(done.stdout.split())


def test_captures_of_other_models_are_not_compared() -> None:
    done = diag("compare", BUNDLE, OTHER_MODEL, "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["outcome"]) == (0, "not-comparable")
    assert "no model served requests on both sides" in document["sentence"]
