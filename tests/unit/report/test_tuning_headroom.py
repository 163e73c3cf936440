"""How the load is told up to which settings keep the limits of ``diag tune --slo``."""

from __future__ import annotations

import json

import pytest

import diag
from tests.conftest import sample_path

BUNDLE = sample_path("demo-batch-timeout") / "bundle.zip"


@pytest.mark.parametrize(
    ("limit_ms", "expected"),
    [
        (
            50.0,
            "Today's settings do not keep the limits at any load; the proposal keeps them up to",
        ),
        (500.0, "Today's settings keep the limits up to"),
        (0.5, "Neither today's settings nor the proposal keep the limits of --slo at any load."),
    ],
)
def test_no_load_at_all_is_said_in_words(limit_ms: float, expected: str) -> None:
    analysis = diag.analyze(diag.open_bundle(BUNDLE))
    tuning = diag.tune(analysis, {"batch_timeout_micros": 0}, limits_ms={"p99_ms": limit_ms})
    report = diag.build_tuning(tuning)
    text = " ".join(diag.render(report, "text", summary=True).split())
    assert expected in text
    document = json.loads(diag.render(report, "json"))
    today = document["headroom_today_per_s"]
    assert (today == 0) == (limit_ms <= 50)
