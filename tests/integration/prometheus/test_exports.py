"""Exported metrics in promtool, which reads them as Prometheus does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import diag
from tests.conftest import sample_path
from tests.support.prometheus import tool
from tests.unit.telemetry.series import series_in

SAMPLES = ("demo-batch-timeout/bundle.zip", "padding/server.xplane.pb", "loop-naive/bundle.zip")


@pytest.mark.parametrize("sample", SAMPLES)
def test_promtool_finds_nothing_wrong_with_the_prometheus_format(sample: str) -> None:
    page = diag.encode_metrics(diag.analyze(diag.open_bundle(sample_path(sample))), "prometheus")
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("sample", SAMPLES)
def test_openmetrics_become_blocks_with_every_series_at_the_end_of_the_capture(
    sample: str, tmp_path: Path
) -> None:
    capture = diag.open_bundle(sample_path(sample))
    page = diag.encode_metrics(diag.analyze(capture), "openmetrics")
    file, blocks = tmp_path / "capture.om", tmp_path / "blocks"
    file.write_bytes(page)
    command = [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", file, blocks]
    subprocess.run(command, check=True, capture_output=True)
    (blocks / "wal").mkdir()  # promtool 2.42 dumps no folder without it
    dumped = subprocess.run(
        [tool("promtool"), "tsdb", "dump", blocks], check=True, capture_output=True, text=True
    )
    lines = dumped.stdout.splitlines()
    assert isinstance(capture.origin_unix_ns, int)
    end_ms = (capture.origin_unix_ns + capture.window.end_ns) // 1_000_000
    assert {line.rpartition(" ")[2] for line in lines} == {str(end_ms)}
    expected = sorted(each.value for each in series_in(page, "openmetrics").values())
    values = sorted(float(line.rpartition("} ")[2].split()[0]) for line in lines)
    assert values == pytest.approx(expected)
