"""``diag export`` to monitoring systems, as it is typed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.conftest import sample_path
from tests.e2e.test_cli import diag
from tests.support.collector import collecting
from tests.unit.telemetry.series import series_in

BUNDLE = sample_path("demo-batch-timeout") / "bundle.zip"


def test_metrics_go_to_a_file_that_another_user_can_read(tmp_path: Path) -> None:
    target = tmp_path / "diag.prom"
    before = os.umask(0o022)
    try:
        done = diag("export", BUNDLE, "--to", "prometheus", "-o", target)
    finally:
        os.umask(before)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"wrote {target}; it is for node_exporter's textfile collector and the Pushgateway\n"
    )
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [target]
    assert len(series_in(target.read_bytes(), "prometheus")) > 50


def test_openmetrics_go_to_stdout() -> None:
    done = diag("export", BUNDLE, "--to", "openmetrics")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(series_in(done.stdout.encode(), "openmetrics")) > 50


def test_spans_go_to_a_file_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    target = tmp_path / "spans.jsonl"
    done = diag("export", BUNDLE, "--to", "otlp", "--max-requests", "5", "-o", target)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "107 of 112 requests are left out, the fastest ones.",
        f"wrote {target}; it is for the OpenTelemetry Collector's otlpjsonfile receiver",
    ]
    spans = [
        span
        for line in target.read_text().splitlines()
        for span in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]
    assert sum(span["name"] == "request dense:1" for span in spans) == 5


def test_spans_go_to_a_collector_without_the_model_servers_credentials(tmp_path: Path) -> None:
    headers = tmp_path / "headers"
    headers.write_text("x-tenant: serving\n")
    with collecting() as collector:
        done = diag(
            *("export", BUNDLE, "--to", "otlp", "--endpoint", collector.address),
            *("--headers-file", headers),
            DIAG_HEADERS="authorization: Bearer of-the-model-server",
        )
    assert (done.returncode, done.stdout) == (0, "")
    count = len(collector.spans)
    assert done.stderr == f"sent {count:,} spans to {collector.address}\n"
    assert ("x-tenant", "serving") in collector.metadata
    assert "authorization" not in {name for name, _ in collector.metadata}


def test_redacted_spans_name_nothing(tmp_path: Path) -> None:
    legend = tmp_path / "legend.json"
    plain, redacted = tmp_path / "plain.jsonl", tmp_path / "redacted.jsonl"
    command = ("export", BUNDLE, "--to", "otlp", "-q", "-o")
    assert diag(*command, plain).returncode == 0
    assert diag(*command, redacted, "--redact", "--legend", legend).returncode == 0
    names = set(json.loads(legend.read_text())["names"].values())
    assert "dense" in names & words_in(plain)
    # The word is also part of the mode batch-function.
    assert names & words_in(redacted) == {"batch"}


def words_in(path: Path) -> set[str]:
    """Words in the values of attributes."""
    return set(re.findall(r"\w+", " ".join(re.findall(r'"stringValue":"(.*?)"', path.read_text()))))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--to prometheus --endpoint localhost:4317", "--endpoint needs --to otlp"),
        ("--table gaps --max-requests 5", "--max-requests needs --to otlp"),
        ("--to otlp --ca-cert ca.pem", "--ca-cert needs --endpoint"),
        ("--to otlp --endpoint localhost:4317 -o x", "--endpoint excludes --output"),
        ("--to otlp --table gaps", "--to excludes --table and --format"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_any_work(
    options: str, said: str
) -> None:
    done = diag("export", "absent.zip", *options.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == f"error: {said}"
