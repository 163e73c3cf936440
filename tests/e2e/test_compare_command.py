"""diag compare as it is typed, on recorded servers."""

from __future__ import annotations

import json

import jsonschema

from diag.report.comparison.model import COMPARISON_SCHEMA_RESOURCE
from diag.report.formats._json_document import published_schema
from tests.conftest import sample_path
from tests.e2e.test_cli import diag
from tests.golden.update import comparison_schema

BATCHED = sample_path("demo-batch-timeout") / "bundle.zip"
DECODING = sample_path("demo-slow-preprocess") / "bundle.zip"


def test_the_outcome_comes_first_and_every_section_follows() -> None:
    done = diag("compare", BATCHED, DECODING, COLUMNS="100")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "bundle.zip → bundle.zip"
    assert lines[2].startswith("Better: p99 latency 68.5 ms → 37.9 ms, -45% (")
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
    done = diag("compare", BATCHED, BATCHED, "--format", "json")
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
    document = json.loads(diag("compare", BATCHED, DECODING, "--format", "json").stdout)
    jsonschema.validate(document, json.loads(schema))


def test_every_format_writes_the_comparison() -> None:
    for format_, first in (
        ("markdown", "# bundle.zip → bundle.zip"),
        ("csv", "section,subject,table,row,name,column,value,unit,reason"),
    ):
        done = diag("compare", BATCHED, DECODING, "--format", format_)
        assert done.stdout.splitlines()[0] == first


def test_a_pipeline_fails_by_the_exit_status() -> None:
    worse = ("compare", DECODING, BATCHED, "--summary")
    assert diag(*worse).returncode == 0
    passed = diag(*worse, "--fail-on-regression", "p99=500%")
    assert (passed.returncode, passed.stderr) == (0, "")
    failed = diag(*worse, "--fail-on-regression", "mean=10%", "--fail-on-regression", "p50=5%")
    assert failed.returncode == 1
    assert "Worse: " in failed.stdout
    assert "mean rose by " in failed.stderr
    assert "and the limit is 10%; p50 rose by " in failed.stderr


def test_what_cannot_be_judged_does_not_pass(tmp_path) -> None:
    few = sample_path("no-batching") / "server.xplane.pb"
    done = diag("compare", few, few, "--fail-on-regression", "p99=10%")
    assert done.returncode == 0  # 127 requests are enough
    empty = tmp_path / "empty.xplane.pb"
    # A space with one empty host plane: field 1, length 11, whose field 2 is its name.
    empty.write_bytes(b"\x0a\x0b\x12\x09/host:CPU")
    done = diag("compare", few, empty, "--fail-on-regression", "p99=10%")
    assert done.returncode == 5
    assert "no complete request was recorded after" in " ".join(done.stdout.split())
