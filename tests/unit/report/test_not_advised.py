"""Changes that were considered and not advised, in every format."""

from __future__ import annotations

import json

import pytest

from diag.analysis import analyze
from diag.findings import find
from diag.model.availability import Unavailable
from diag.report.build import build_report
from diag.report.formats import FORMATS, RenderOptions
from diag.testing.gpu_server import SCENARIOS, simulate

REASON = "in a simulation, mean latency does not fall"


@pytest.fixture(name="report", scope="module")
def _report():
    """No timeout makes this server faster: its batches would take the threads that are free."""
    analysis = analyze(simulate(SCENARIOS["mixed"].plan, seed=1).capture())
    (finding,) = (each for each in find(analysis) if each.not_advised)
    assert finding.remedies == ()
    assert isinstance(finding.gain, Unavailable)
    assert (finding.verify, finding.rollback) == ((), "")
    return build_report(analysis)


def test_each_change_stands_with_its_reason(report):
    section = report.section("not_advised")
    changes = [note.text.partition(" Not advised: ")[0] for note in section.notes]
    assert [each.partition(" → ")[0] for each in changes] == ["Lower batch_timeout_micros 2000"] * 2
    assert [each.partition(" → ")[2][:2] for each in changes] == ["10", "0:"]
    for note in section.notes:
        assert REASON in note.text
        assert note.text.endswith("[batch-timeout-dominates]")
    assert "none: no setting that was tried helps" in report.section("change").notes[0].text


@pytest.mark.parametrize("name", ["text", "markdown", "html", "jira", "slack"])
def test_every_format_has_them(report, name):
    text = " ".join(FORMATS[name].render(report, RenderOptions()).split())
    assert "Considered, not advised" in text
    assert REASON in text


def test_the_json_has_the_setting_too(report):
    document = json.loads(FORMATS["json"].render(report, RenderOptions()))
    (finding,) = (each for each in document["findings"] if each["not_advised"])
    assert [each["remedy"]["setting"]["to"] for each in finding["not_advised"]] == [1000, 0]
