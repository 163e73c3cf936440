"""Writing bundles: what lies where, for whom, and what is left when it fails."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

import pytest

from diag.errors import OutputError
from diag.formats.bundle.manifest import Manifest, SourceRecord
from diag.formats.bundle.writer import BundleWriter
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.samples import MetricSample, MetricsPair, SampleSeries, ServedModel
from diag.testing.xspace_builder import build_space

CREATED = datetime(2026, 11, 22, 23, 50, 0, tzinfo=timezone.utc)
TRACE_NAME = "plugins/profile/2026_11_22_23_50_00/10.0.0.7_8500.xplane.pb"
TRACE = build_space(
    """
    env profile_start_time=1700000000000000000
    plane /host:CPU
    line grpc-1
      BatchingSessionRun 10..12000us
    """
)
SERIES = SampleSeries(
    source="host",
    period_ns=50_000_000,
    units={"cpu_percent": "%"},
    samples=({"unix_ns": 1_700_000_000_000_000_000, "cpu_percent": [1.5, 99]},),
    missing={"throttled_ns": "no cgroup"},
)
STACKS = (
    b'{"period_ns":5000000,"frames":[{"file":"serve.py","function":"f","first_line":1,'
    b'"is_user":true}],"stacks":[[0]],"samples":{"unix_ns":[1700000000001000000],"thread_id":[7],'
    b'"weight":[2],"cpu_ns":[-1],"stack_id":[0]}}'
)
SHAPES = pytest.mark.parametrize("name", ["bundle", "bundle.zip"])


def manifest(**fields: object) -> Manifest:
    return Manifest(created=CREATED, diag_version="0.1.0", **fields)


def write_bundle(path: Path | IO[bytes], *, force: bool = False, **fields: object) -> Path:
    """A bundle with every part but GPU samples."""
    with BundleWriter(path, force=force) as writer:
        writer.add_trace("10.0.0.7:8500", TRACE)
        writer.add_samples(SERIES)
        writer.add_metrics("before", b":core:graph_runs 1\n")
        writer.add_metrics("after", b":core:graph_runs 4\n")
        writer.add_server({"models": [{"name": "m", "version": 3, "state": "AVAILABLE"}]})
        writer.add_stacks(STACKS)
        return writer.finish(manifest(**fields))


class Pipe(io.RawIOBase):
    """A file object that cannot seek, as stdout in a pipe."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def test_a_bundle_can_be_written_to_a_pipe(tmp_path: Path) -> None:
    pipe = Pipe()
    assert write_bundle(pipe) == Path("the file object")
    assert pipe.data == write_bundle(tmp_path / "bundle.zip").read_bytes()
    assert open_bundle(pipe.data).host_samples == SERIES


def test_a_pipe_gets_nothing_if_the_bundle_is_not_finished() -> None:
    pipe = Pipe()
    with BundleWriter(pipe) as writer:
        writer.add_trace("host", TRACE)
    assert pipe.data == b""


def test_a_full_disk_behind_a_file_object_is_an_output_error() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OutputError) as caught:
        write_bundle(full)
    assert caught.value.cause == os.strerror(errno.ENOSPC)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@SHAPES
def test_every_part_comes_back_as_it_was_given(tmp_path: Path, name: str) -> None:
    gone = {"gpu": SourceRecord("unavailable", "no NVIDIA driver")}
    capture = open_bundle(write_bundle(tmp_path / name, sources=gone))
    assert capture.name == name
    assert len(capture.planes[-1].events) == 1
    assert capture.host_samples == SERIES
    assert capture.gpu_samples == Unavailable("no NVIDIA driver")
    assert not isinstance(capture.stacks, Unavailable)
    assert (capture.stacks.time_ns.tolist(), capture.stacks.weight.tolist()) == ([1_000_000], [2])
    assert capture.metrics == MetricsPair(
        before=(MetricSample(":core:graph_runs", (), 1.0),),
        after=(MetricSample(":core:graph_runs", (), 4.0),),
    )
    assert not isinstance(capture.server, Unavailable)
    assert capture.server.models == (ServedModel("m", 3, "AVAILABLE"),)
    assert capture.server.signatures == Unavailable("not in the bundle")
    assert not isinstance(capture.manifest, Unavailable)
    assert capture.manifest["diag_version"] == "0.1.0"
    assert capture.caveats == ()


def test_a_folder_bundle_is_a_tensorboard_log_directory_only_its_owner_can_read(
    tmp_path: Path,
) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    assert (bundle / TRACE_NAME).read_bytes() == TRACE
    files = [path for path in bundle.rglob("*") if path.is_file()]
    assert len(files) == 7
    assert {mode(path) for path in files} == {0o600}
    assert {mode(path) for path in (bundle, *bundle.rglob("*")) if path.is_dir()} == {0o700}


def test_a_zip_bundle_holds_the_same_bytes_under_the_same_names(tmp_path: Path) -> None:
    folder, packed = write_bundle(tmp_path / "b"), write_bundle(tmp_path / "b.ZIP")
    assert mode(packed) == 0o600
    with zipfile.ZipFile(packed) as archive:
        unpacked = {name: archive.read(name) for name in archive.namelist()}
    assert len(unpacked) == 7
    assert unpacked == {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_manifest_lists_each_part_with_checksum_and_size(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    document = json.loads((bundle / "diag" / "manifest.json").read_text())
    assert document["format_version"] == 1
    assert document["created"] == "2026-11-22T23:50:00Z"
    assert len(document["parts"]) == 6
    assert document["parts"][TRACE_NAME] == {
        "sha256": hashlib.sha256(TRACE).hexdigest(),
        "size_bytes": len(TRACE),
    }


@SHAPES
def test_leaving_without_finish_leaves_nothing(tmp_path: Path, name: str) -> None:
    def give_up() -> None:
        with BundleWriter(tmp_path / name) as writer:
            writer.add_trace("h", TRACE)
            assert len(list(tmp_path.iterdir())) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up()
    assert list(tmp_path.iterdir()) == []


@SHAPES
def test_an_existing_output_is_kept_without_force_and_replaced_with_it(
    tmp_path: Path, name: str
) -> None:
    bundle = write_bundle(tmp_path / name)
    with pytest.raises(OutputError, match="exists already") as caught:
        write_bundle(bundle)
    assert "--force" in caught.value.hint
    write_bundle(bundle, force=True, target={"address": "second"})
    again = open_bundle(bundle).manifest
    assert not isinstance(again, Unavailable)
    assert again["target"] == {"address": "second"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_force_never_replaces_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    for name in ("home", "home/thesis.txt"):
        with pytest.raises(OutputError, match="not a bundle"):
            write_bundle(tmp_path / name, force=True)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


@SHAPES
def test_a_missing_parent_folder_is_known_before_anything_is_captured(
    tmp_path: Path, name: str
) -> None:
    with (
        pytest.raises(OutputError, match="cannot be written") as caught,
        BundleWriter(tmp_path / "no" / name),
    ):
        pytest.fail("entered")
    assert caught.value.cause == "No such file or directory"
    assert "-o" in caught.value.hint


@SHAPES
def test_an_unwritable_folder_is_an_output_error(tmp_path: Path, name: str) -> None:
    # /proc refuses new files to everybody, root included.
    with (
        pytest.raises(OutputError, match="cannot be written"),
        BundleWriter(Path("/proc") / name),
    ):
        pytest.fail("entered")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.unit.formats.test_bundle import write_bundle
from diag.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    write_bundle(Path(sys.argv[1]))
except OutputError as error:
    print(error.cause, "|", error.hint)
"""


@SHAPES
def test_a_disk_that_takes_no_more_bytes_is_an_output_error_and_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    # A limit on file sizes is the full disk that needs no privileges: write() fails half-way.
    done = subprocess.run(
        [sys.executable, "-B", "-c", FULL_DISK, str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.startswith("File too large | free space there")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "stem"),
    [
        ("10.0.0.7:8500", "10.0.0.7_8500"),
        ("[::1]:8500", "___1__8500"),
        ("../../etc/cron.d/x", "_.._etc_cron.d_x"),
        ("unix:/run/tf.sock", "unix__run_tf.sock"),
        ("", "server"),
        ("..", "server"),
        ("-rf", "rf"),
        ("é\n$(x)", "____x_"),
        ("x" * 500, "x" * 100),
    ],
)
def test_hosts_become_harmless_file_names(tmp_path: Path, host: str, stem: str) -> None:
    with BundleWriter(tmp_path / "b") as writer:
        writer.add_trace(host, TRACE)
        bundle = writer.finish(manifest())
    assert [path.name for path in bundle.rglob("*.xplane.pb")] == [f"{stem}.xplane.pb"]


def test_two_traces_of_one_host_are_a_mistake(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "b") as writer:
        writer.add_trace("h:1", TRACE)
        with pytest.raises(ValueError, match="two traces of h_1"):
            writer.add_trace("h_1", TRACE)
