"""diag tune as it is typed, on a recorded server."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.report.formats._json_document import published_schema
from diag.report.tuning.model import TUNING_SCHEMA_RESOURCE
from tests.conftest import sample_path
from tests.e2e.test_cli import diag
from tests.golden.update import tuning_schema

BATCHED = sample_path("demo-batch-timeout") / "bundle.zip"
SHORTER = ("--set", "batch_timeout_micros=5000")


def test_the_answer_comes_first() -> None:
    done = diag("tune", BATCHED, *SHORTER, COLUMNS="100")
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    assert "With batch_timeout_micros 40000 → 5000: mean latency 45.8 ms →" in text
    for heading in ("Measured, simulated and predicted", "Parameters"):
        assert heading in done.stdout


def test_the_json_is_of_the_published_schema_and_the_schema_is_current() -> None:
    schema = published_schema(TUNING_SCHEMA_RESOURCE)
    assert schema == tuning_schema()
    document = json.loads(diag("tune", BATCHED, *SHORTER, "--format", "json").stdout)
    jsonschema.validate(document, json.loads(schema))
    assert document["self_check"]["ok"] is True
    assert document["prediction"]["mean_ms"]["value"] < document["today"]["mean_ms"]["value"]


def test_the_file_has_the_tried_parameters(tmp_path: Path) -> None:
    file = tmp_path / "batching_parameters.txt"
    assert diag("tune", BATCHED, *SHORTER, "-o", file, "--summary").returncode == 0
    read = parse_batching_parameters(file.read_text())
    assert (read.batch_timeout_micros, read.max_batch_size) == (5000, 64)
    assert diag("tune", BATCHED, *SHORTER, "-o", file).returncode == 7


def test_wrong_words_are_named() -> None:
    for words in (("--set", "timeout=1"), ("--set", "max_batch_size"), ("--rate", "fast")):
        done = diag("tune", BATCHED, *words)
        assert done.returncode == 2, done.stderr
        assert words[1].split("=")[0] in done.stderr


def test_without_parameters_the_best_ones_are_searched_for() -> None:
    done = diag("tune", BATCHED, "--objective", "mean", "--slo", "p99=50ms", "--format", "json")
    document = json.loads(done.stdout)
    assert document["objective"] == "mean"
    timeout = next(x for x in document["settings"] if x["name"] == "batch_timeout_micros")
    assert (timeout["now"], timeout["to"]) == (40000, 0)
    assert document["headroom_per_s"] > document["headroom_today_per_s"]
    assert diag("tune", BATCHED, *SHORTER, "--objective", "mean").returncode == 2
    assert diag("tune", BATCHED, "--slo", "p98=50ms").returncode == 2
