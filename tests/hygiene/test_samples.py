"""The sample traces are small, described, and what their description says."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from diag.analysis import analyze
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from tests.conftest import SAMPLE_TRACES

README = (SAMPLE_TRACES / "README.md").read_text()
ROW = re.compile(
    r"^\| `(?P<name>[\w\-]+)/` \| .+ \| .+ \| (?P<bytes>[\d ]+) \| (?P<requests>\d+) \|$", re.M
)
DESCRIBED = {match["name"]: match for match in ROW.finditer(README)}
# Recordings of GPUs have a folder a device, and a test of their own (tests/golden).
ALL = sorted(
    path for path in SAMPLE_TRACES.iterdir() if path.is_dir() and not path.name.startswith("gpu-")
)
# Of Python programs: their truth is how they are made (tests/golden/test_loop_samples.py).
LOOPS = [path for path in ALL if path.name.startswith("loop-")]
FOLDERS = [path for path in ALL if path not in LOOPS]
LOOP_ROW = re.compile(r"^\| `(loop-\w+)/` \| .+ \| ([\d ]+) \| (\d+) \|$", re.M)

# What anyone who clones pays for; a sample is to be small enough to look through.
FILE_MAX_BYTES = 1_500_000
ALL_MAX_BYTES = 8_000_000

# Requests at the edges of a recording are in the truth or in the trace by microseconds.
REQUESTS_TOLERANCE = 0.02


def source(folder: Path) -> Path:
    """The recording of a sample: a bundle, or a bare trace."""
    (path,) = [path for path in folder.iterdir() if path.name in {"bundle.zip", "server.xplane.pb"}]
    return path


def trace_bytes(folder: Path) -> bytes:
    path = source(folder)
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as bundle:
        (name,) = [name for name in bundle.namelist() if name.endswith(".xplane.pb")]
        return bundle.read(name)


def test_every_sample_is_described_and_no_other() -> None:
    assert len(FOLDERS) >= 6
    assert {path.name for path in FOLDERS} == set(DESCRIBED)


def test_samples_are_small() -> None:
    sizes = {path: path.stat().st_size for folder in ALL for path in folder.iterdir()}
    assert [path.name for path, size in sizes.items() if size > FILE_MAX_BYTES] == []
    assert sum(sizes.values()) < ALL_MAX_BYTES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_sample_holds_a_recording_its_truth_and_nothing_unexplained(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names <= {"bundle.zip", "server.xplane.pb", "truth.json", "batching_parameters.txt"}
    assert all(f"`{name}`" in README for name in names)
    truth = json.loads((folder / "truth.json").read_text())
    assert len(truth["requests"]) >= int(DESCRIBED[folder.name]["requests"])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_sample_is_as_large_as_described_and_holds_the_requests_described(folder: Path) -> None:
    row = DESCRIBED[folder.name]
    assert len(trace_bytes(folder)) == int(row["bytes"].replace(" ", ""))
    counted = analyze(open_bundle(source(folder))).counts.requests
    assert not isinstance(counted, Unavailable)
    expected = int(row["requests"])
    assert abs(counted - expected) <= REQUESTS_TOLERANCE * expected


@pytest.mark.parametrize("folder", LOOPS, ids=lambda path: path.name)
def test_a_loop_is_as_large_as_described_and_holds_the_iterations_described(folder: Path) -> None:
    described = {name: (size, count) for name, size, count in LOOP_ROW.findall(README)}
    assert set(described) == {path.name for path in LOOPS}
    assert [path.name for path in folder.iterdir()] == ["bundle.zip"]
    size, count = described[folder.name]
    assert len(trace_bytes(folder)) == int(size.replace(" ", ""))
    loops = analyze(open_bundle(source(folder))).loops
    assert not isinstance(loops, Unavailable)
    assert loops.iterations.complete.sum() == int(count)


@pytest.mark.parametrize("folder", ALL, ids=lambda path: path.name)
def test_a_sample_names_no_place_on_the_machine_it_was_made_on(folder: Path) -> None:
    contents = [path.read_bytes() for path in folder.iterdir() if path.suffix != ".zip"]
    if source(folder).suffix == ".zip":
        with zipfile.ZipFile(source(folder)) as bundle:
            contents += [bundle.read(name) for name in bundle.namelist()]
            assert json.loads(bundle.read("diag/manifest.json"))["target"]["hostnames"] in (
                [],
                ["localhost"],
            )
    assert len(contents) >= 2
    place = re.compile(rb"/(?:home|root|work|Users|tmp|opt)/\w+")
    assert [place.findall(content) for content in contents if place.search(content)] == []
