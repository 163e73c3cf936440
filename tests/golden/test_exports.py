"""Metrics and spans of a sample are as reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.analysis.pipeline import analyze
from diag.formats.source import open_bundle
from diag.telemetry.encode import encode_metrics
from diag.telemetry.names import METRIC_FORMATS
from diag.telemetry.spans import make_spans
from tests.conftest import sample_path

FOLDER = Path(__file__).parent / "exports"
SAMPLES = ("demo-batch-timeout", "loop-naive")


def exports(sample: str) -> dict[str, str]:
    """Content by name of the golden file."""
    analysis = analyze(open_bundle(sample_path(sample) / "bundle.zip"))
    found = {f"{sample}.{name}": encode_metrics(analysis, name).decode() for name in METRIC_FORMATS}
    spans = make_spans(analysis, 1)
    lines = [f"resource {_facts(spans.resource)}"]
    lines += [
        f"{'  ' if span.parent_id else ''}{span.name} {span.key.span_id.hex()} "
        f"{span.start_unix_ns}+{span.end_unix_ns - span.start_unix_ns} {_facts(span.attributes)}"
        + "".join(f" -> {key.span_id.hex()}" for key in span.links)
        for span in spans.spans
        if not (span.parent_id and span.name.startswith("idle "))
    ]
    lines += spans.left_out
    return {**found, f"{sample}.spans": "\n".join(line.rstrip() for line in lines) + "\n"}


def _facts(attributes: tuple[tuple[str, object], ...]) -> str:
    return " ".join(f"{name}={value}" for name, value in attributes)


@pytest.mark.parametrize("sample", SAMPLES)
def test_exports_are_as_reviewed(sample: str) -> None:
    found = exports(sample)
    assert len(found) == len(METRIC_FORMATS) + 1
    for name, text in found.items():
        assert text == (FOLDER / name).read_text(), name
