"""A redacted source says the same: every number, to the nanosecond."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import diag
from diag.formats.redaction.source import RedactedSource, redact
from tests.conftest import sample_path

SALT = b"0123456789abcdef"
CODE = re.compile(r"(?:host|model|signature|path|device|[oO]p|name)_[bcfgjkmnqrvwxz2-9]{10,20}")
SAMPLES = (
    *("batch-timeout/server.xplane.pb", "padding/server.xplane.pb", "no-batching/server.xplane.pb"),
    *("in-graph-batching/server.xplane.pb", "demo-batch-timeout/bundle.zip"),
    *("demo-slow-preprocess/bundle.zip",),
)


def restored(node: Any, redacted: RedactedSource) -> Any:
    """With names in place of pseudonyms."""
    if isinstance(node, dict):
        return {key: restored(value, redacted) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [restored(value, redacted) for value in node]
    if isinstance(node, str):
        return CODE.sub(lambda found: redacted.legend[found[0][:1].lower() + found[0][1:]], node)
    return node


def cells(analysis: diag.Analysis) -> dict[str, list[tuple[str, list[Any]]]]:
    return {
        name: [
            (column.info.name, json.loads(json.dumps(column.cells(), default=str)))
            for column in diag.table(analysis, name).columns
        ]
        for name in diag.TABLE_NAMES
    }


@pytest.mark.parametrize("sample", SAMPLES)
def test_tables_and_report_are_the_same_but_for_names(sample: str) -> None:
    path = sample_path(sample)
    original = diag.analyze(diag.open_bundle(path))
    redacted = redact(path, SALT)
    copy = diag.analyze(redacted.open())
    expected = cells(original)
    assert len(expected["requests"][0][1]) > 50
    assert {
        n: [(k, restored(v, redacted)) for k, v in t] for n, t in cells(copy).items()
    } == expected
    reports = [
        json.loads(diag.render(diag.build_report(each), "json")) for each in (original, copy)
    ]
    for report in reports:
        del report["server"]["source"], report["title"]  # the name of the file
    assert restored(reports[1], redacted) == reports[0]


def test_ops_that_a_user_counts_as_preprocessing_are_found_by_their_new_names() -> None:
    path = sample_path("demo-slow-preprocess/bundle.zip")
    pattern = re.compile("^(MatMul|_Mkl.*|.*Conv2D)$")
    original = diag.analyze(diag.open_bundle(path), preprocess_ops=pattern)
    redacted = redact(path, SALT)
    copy = diag.analyze(redacted.open(), preprocess_ops=redacted.preprocess_ops(pattern))
    stages = [
        [(stage.stage, stage.time.mean_ns) for stage in each.models[0].stages]
        for each in (original, copy)
    ]
    assert stages[0] == stages[1]
    plain = diag.analyze(diag.open_bundle(path)).models[0].stages
    assert stages[0] != [(stage.stage, stage.time.mean_ns) for stage in plain]


def test_an_expression_that_matches_nothing_still_matches_nothing() -> None:
    redacted = redact(sample_path("padding/server.xplane.pb"), SALT)
    pattern = redacted.preprocess_ops(re.compile("Wombat"))
    assert pattern is not None
    assert not pattern.search("")
    assert redacted.preprocess_ops(None) is None


def test_parameters_and_client_log_are_passed_on_without_their_paths(tmp_path) -> None:
    sample = sample_path("batch-timeout")
    given = tmp_path / "zephyrine.txt"
    given.write_bytes((sample / "batching_parameters.txt").read_bytes())
    redacted = redact(sample / "server.xplane.pb", SALT, batching_parameters=given)
    original = diag.open_bundle(sample / "server.xplane.pb", batching_parameters=given)
    assert redacted.batching_parameters == original.batching_parameters
    assert "zephyrine" not in redacted.batching_parameters.read_from
