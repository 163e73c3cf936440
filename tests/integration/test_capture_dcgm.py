"""``diag capture --dcgm`` as a user runs it: a profiler on a real port, an exporter on another."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from diag.capture.plan import MS, CapturePlan
from diag.capture.session import capture_bundle
from diag.cli import main
from diag.errors import RequiredSourceError, UsageError
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries
from tests.support.exporter import UTIL, line, page
from tests.support.fast_plan import manifest_of, plan
from tests.support.serving import http_server, serving

if TYPE_CHECKING:
    from pathlib import Path


def test_a_capture_keeps_what_the_exporter_said_over_the_window(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    power = itertools.count(60)
    pages = {
        "/metrics": lambda: (
            200,
            page(line(UTIL, 63), line("DCGM_FI_DEV_POWER_USAGE", next(power))),
        )
    }
    bundle = tmp_path / "b"
    with serving() as server, http_server(pages) as url:
        command = ["capture", "--server", server.address, "--dcgm", f"{url}/metrics"]
        options = ["--duration", "900ms", "--no-warmup", "--metrics", "off", "--require", "dcgm"]
        assert main([*command, *options, "-o", str(bundle)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "NVIDIA L4 (GPU 0) was 63% busy by the DCGM exporter over the window" in said
    series = open_bundle(bundle).dcgm_samples
    assert isinstance(series, SampleSeries)
    assert 2 <= len(series.samples) <= 7
    assert all(sample["gpu_util_percent"] == [63] for sample in series.samples)
    assert url.endswith(series.taken_by)
    assert [device.name for device in series.devices] == ["NVIDIA L4"]
    manifest = manifest_of(bundle)
    assert manifest["sources"]["dcgm"]["status"] == "recorded"
    assert manifest["plan"]["dcgm"] == "url"
    assert [clock["source"] for clock in manifest["clocks"] if clock["source"] == "dcgm"]
    assert url not in str(manifest["plan"])


def test_an_exporter_that_dies_midway_leaves_what_it_gave(tmp_path: Path) -> None:
    answers = itertools.chain([(200, page(line(UTIL, 63)))] * 2, itertools.repeat((500, b"")))
    with serving() as server, http_server({"/": lambda: next(answers)}) as url:
        wanted = plan(server.address, dcgm=f"{url}/", duration_ns=1500 * MS)
        outcome = capture_bundle(wanted, tmp_path / "b")
    series = open_bundle(outcome.path).dcgm_samples
    assert isinstance(series, SampleSeries)
    assert sum("gpu_util_percent" in sample for sample in series.samples) == 1
    assert "answered 500" in series.missing["samples"]
    (caveat,) = [each for each in outcome.caveats if each.code == "samples-cut"]
    assert "dcgm samples: none after reading " in caveat.text
    assert "answered 500" in caveat.text


def test_an_exporter_that_is_none_is_a_caveat_and_a_failure_if_required(tmp_path: Path) -> None:
    with serving() as server, http_server({}) as url:
        outcome = capture_bundle(plan(server.address, dcgm=f"{url}/m"), tmp_path / "b")
        required = plan(server.address, dcgm=f"{url}/m", require=frozenset({"dcgm"}))
        with pytest.raises(RequiredSourceError, match="the server was not profiled"):
            capture_bundle(required, tmp_path / "c")
    (caveat,) = [each for each in outcome.caveats if each.code == "no-dcgm"]
    assert "answered 404" in caveat.text
    found = open_bundle(outcome.path).dcgm_samples
    assert isinstance(found, Unavailable)
    assert "answered 404" in found.reason


def test_a_capture_without_dcgm_does_not_speak_of_it(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
    assert "dcgm" not in manifest_of(outcome.path)["sources"]
    assert not [caveat for caveat in outcome.caveats if "dcgm" in caveat.code]
    assert open_bundle(outcome.path).dcgm_samples == Unavailable("not in the bundle")


def test_options_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "--server", "h:1", "--dcgm", "node:9400"]) == 2
    assert "--dcgm 'node:9400' is not an http:// or https:// URL" in capsys.readouterr().err
    with pytest.raises(UsageError, match="`require` names dcgm, but `dcgm` has no URL"):
        CapturePlan(server="h:1", require=frozenset({"dcgm"}))
