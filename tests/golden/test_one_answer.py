"""Library, command line and demo give one answer for one bundle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import diag
from diag.demo.diagnosis import diagnose
from diag.demo.recording import RecordedScenario
from diag.demo.scenarios import SCENARIOS
from diag.demo.truth import read_truth
from diag.formats.bundle.manifest import Manifest
from diag.formats.bundle.writer import BundleWriter
from diag.model.serving import Origin
from tests.conftest import sample_path
from tests.unit.formats.test_bundle import CREATED


def with_parameters(folder: Path, trace: bytes, parameters: str) -> Path:
    """A bundle of a recorded server, with batching parameters in it."""
    with BundleWriter(folder / "bundle.zip") as writer:
        writer.add_trace("127.0.0.1:8500", trace)
        writer.add_server({"batching_parameters": parameters})
        return writer.finish(Manifest(created=CREATED, diag_version="0.1.0"))


@pytest.fixture(name="bundle", scope="module")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = sample_path("batch-timeout")
    trace = (folder / "server.xplane.pb").read_bytes()
    parameters = (folder / "batching_parameters.txt").read_text()
    return with_parameters(tmp_path_factory.mktemp("one"), trace, parameters)


def output_of(*arguments: object) -> bytes:
    command = [sys.executable, "-m", "diag", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def csv_of(analysis: diag.Analysis) -> dict[str, bytes]:
    return {name: diag.table(analysis, name).encode("csv") for name in diag.TABLE_NAMES}


def test_the_library_uses_the_parameters_that_the_bundle_recorded(bundle: Path) -> None:
    (queue,) = diag.analyze(diag.open_bundle(bundle)).batches.queues
    parameters = (queue.max_batch_size, queue.batch_timeout_ns, queue.num_batch_threads)
    assert {parameter.origin for parameter in parameters} == {Origin.FILE}


def test_the_command_line_exports_the_librarys_tables(bundle: Path, tmp_path: Path) -> None:
    expected = csv_of(diag.analyze(diag.open_bundle(bundle)))
    assert len(expected) == 8
    output_of("export", bundle, "--table", "all", "-o", tmp_path / "tables")
    assert {file.stem: file.read_bytes() for file in tmp_path.glob("tables/*.csv")} == expected


@pytest.mark.parametrize("format_", ["json", "md"])
def test_the_command_line_writes_the_librarys_report(bundle: Path, format_: str) -> None:
    report = diag.build_report(diag.analyze(diag.open_bundle(bundle)))
    expected = diag.render(report, format_)
    assert output_of("analyze", bundle, "--format", format_).decode() == expected


def test_given_parameters_win_everywhere(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "parameters.txt"
    file.write_text("max_batch_size { value: 16 } batch_timeout_micros { value: 9000 }")
    given = diag.open_bundle(bundle, batching_parameters=file)
    expected = csv_of(diag.analyze(given))["batches"]
    assert expected != csv_of(diag.analyze(diag.open_bundle(bundle)))["batches"]
    command = ("export", bundle, "--table", "batches", "--batching-parameters", file)
    assert output_of(*command) == expected


def test_the_demo_analyzes_a_bundle_as_the_library_does() -> None:
    folder = sample_path("demo-batch-timeout")
    facts, truths = read_truth(folder / "truth.json")
    bundle = folder / "bundle.zip"
    recorded = RecordedScenario(
        SCENARIOS["batch-timeout"], bundle, (), facts, truths, folder / "calls.csv"
    )
    analysis, comparison = diagnose(recorded)
    expected = diag.analyze(diag.open_bundle(bundle))
    assert csv_of(analysis) == csv_of(expected)
    assert comparison.is_verdict_right
