"""No name of a source gets out: not in the bundle's files, nor in any format of anything."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

import diag
from diag.formats.redaction.source import RedactedSource, redact
from diag.report.formats import FORMATS
from tests.unit.formats.redaction import secrets

SALT = b"0123456789abcdef" * 2


@pytest.fixture(name="redacted", scope="module")
def _redacted(tmp_path_factory: pytest.TempPathFactory) -> RedactedSource:
    log = tmp_path_factory.mktemp("quasimodo") / "zorillafile.csv"
    log.write_text(secrets.CLIENT_LOG)
    parameters = log.with_name("saolacomment.txt")
    parameters.write_text(secrets.PARAMETERS)
    return redact(secrets.bundle(), SALT, batching_parameters=parameters, client_log=log)


@pytest.fixture(name="analysis", scope="module")
def _analysis(redacted: RedactedSource) -> diag.Analysis:
    return diag.analyze(redacted.open())


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_secret_is_planted() -> None:
    parts = parts_of(secrets.bundle())
    texts = [*parts, *parts.values(), secrets.CLIENT_LOG, secrets.PARAMETERS]
    found = secrets.leaks(texts)
    assert [each for each in secrets.SECRETS if each.lower() not in map(str.lower, found)] == []


def test_no_secret_is_in_any_part_of_the_bundle(redacted: RedactedSource) -> None:
    parts = parts_of(redacted.data)
    assert len(parts) == 8
    assert secrets.leaks([*parts, *parts.values()]) == []
    assert secrets.leaks([redacted.data]) == []


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_no_secret_is_in_any_format_of_a_report(
    analysis: diag.Analysis, format_: str, verbose: bool
) -> None:
    report = diag.build_report(analysis)
    text = diag.render(report, format_, verbose=verbose)
    assert len(text) > 500
    assert secrets.leaks([text, diag.render(diag.build_ticket(report), format_)]) == []
    single = diag.build_request_report(analysis, requests=(0, 1))
    assert secrets.leaks([diag.render(single, format_, verbose=verbose)]) == []


def test_no_secret_is_in_a_table_a_chart_or_a_repr(
    analysis: diag.Analysis, redacted: RedactedSource
) -> None:
    tables = [diag.table(analysis, name).encode("json") for name in diag.TABLE_NAMES]
    charts = diag.draw_charts(diag.build_report(analysis)).values()
    assert secrets.leaks([*tables, *charts, repr(redacted), repr(analysis)]) == []


def test_the_legend_has_what_was_replaced(redacted: RedactedSource) -> None:
    names = set(redacted.legend.values())
    assert {"acme-frauddetector", "secretscope", "quasimodo", "10.77.88.99"} <= names
    assert {"MatMul", "BatchingSessionRun", "serving_default", "predict"}.isdisjoint(names)


def test_what_the_analysis_needs_stays(redacted: RedactedSource) -> None:
    (trace,) = [data for name, data in parts_of(redacted.data).items() if name.endswith(".pb")]
    for public in (
        *(
            b"BatchingSessionRun",
            b"DecodeJpeg:DecodeJpeg",
            b"ampere_sgemm_128x64_tn",
            b"tf_Compute",
        ),
        *(b"NVIDIA A100-SXM4-80GB", b"CUPTI_ERROR_INSUFFICIENT_PRIVILEGES", b"/device:GPU:0"),
        *(b"grpcpp_sync_ser_1", b"regs:32 grid:1,1,1", b"events dropped because"),
    ):
        assert public in trace


def test_a_model_has_one_pseudonym_everywhere(
    redacted: RedactedSource, analysis: diag.Analysis
) -> None:
    (pseudonym,) = [new for new, old in redacted.legend.items() if old == "acme-frauddetector"]
    assert pseudonym.startswith("model_")
    assert [each.model for each in analysis.models] == [f"{pseudonym}:3"]
    parts = parts_of(redacted.data)
    for part in ("diag/server.json", "diag/metrics-after.prom", "diag/manifest.json"):
        assert pseudonym.encode() in parts[part]


def test_the_bundle_is_valid_and_only_its_owner_can_read_it(
    redacted: RedactedSource, tmp_path: Path
) -> None:
    path = tmp_path / "shared.zip"
    path.write_bytes(redacted.data)
    capture = diag.open_bundle(path)
    assert len(capture.planes) == 5
    with zipfile.ZipFile(path) as archive:
        assert {info.external_attr >> 16 & 0o077 for info in archive.infolist()} == {0}


def test_a_bare_trace_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "zephyrine.xplane.pb"
    path.write_bytes(secrets.trace())
    redacted = redact(path, SALT)
    assert not redacted.is_bundle
    assert secrets.leaks([redacted.data]) == []
    assert secrets.leaks([diag.render(diag.build_report(diag.analyze(redacted.open())))]) == []


def test_texts_that_are_no_utf_8_are_hidden_as_well() -> None:
    data = secrets.trace().replace(b"margay", b"\xff\xferg\x80y")
    redacted = redact(data, SALT)
    assert secrets.leaks([redacted.data]) == []
    assert b"\xff\xfe" not in redacted.data


def test_a_salt_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        redact(secrets.trace(), b"short")
