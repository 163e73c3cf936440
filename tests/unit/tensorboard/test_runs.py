"""The runs below a log directory."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from diag.tensorboard.runs import Listing, find_recordings
from tests.conftest import sample_path

TRACE = sample_path("no-batching") / "server.xplane.pb"
BUNDLE = sample_path("demo-batch-timeout") / "bundle.zip"


def place(logs: Path, *names: str) -> None:
    for name in names:
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TRACE, logs / name)


@pytest.fixture(name="logs")
def _logs(tmp_path: Path) -> Path:
    place(
        tmp_path,
        "plugins/profile/2026_11_22_10_00_00/a.xplane.pb",
        "plugins/profile/2026_11_22_10_00_00/b.xplane.pb",
        "train/plugins/profile/2026_11_21_10_00_00/host.xplane.pb",
        "elsewhere/host.xplane.pb",
    )
    with zipfile.ZipFile(BUNDLE) as bundle:
        bundle.extractall(tmp_path / "incident")
    return tmp_path


def test_runs_have_the_names_that_the_profile_plugin_gives_them(logs: Path) -> None:
    found = find_recordings(logs)
    assert [(each.run, each.host, each.is_bundle) for each in found] == [
        ("2026_11_22_10_00_00", "a", False),
        ("2026_11_22_10_00_00", "b", False),
        ("incident/2026_11_23_01_58_57", "127.0.0.1_8500", True),
        ("train/2026_11_21_10_00_00", "host", False),
    ]
    bundle = found[2]
    assert bundle.source == logs / "incident"
    assert logs / "incident/diag/manifest.json" in bundle.files


def test_a_folder_without_traces_and_one_that_is_missing_have_no_runs(tmp_path: Path) -> None:
    assert find_recordings(tmp_path) == ()
    assert Listing(tmp_path / "absent").get() == ((), "")


def test_a_run_is_found_by_its_exact_names_only(logs: Path) -> None:
    listing = Listing(logs)
    assert listing.find("train/2026_11_21_10_00_00", "host") is not None
    for run in (
        "../train",
        "train/../train/2026_11_21_10_00_00",
        "/etc",
        "",
        "2026_11_21_10_00_00",
    ):
        assert listing.find(run, "host") is None
    assert listing.find("train/2026_11_21_10_00_00", "../host") is None
