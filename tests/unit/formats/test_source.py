"""Every kind of source, and what each lacks."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from diag.errors import (
    BundleCorruptError,
    InputError,
    SourceNotFoundError,
    XSpaceDecodeError,
)
from diag.formats.bundle.writer import BundleWriter
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.testing.xspace_builder import build_space
from tests.conftest import sample_path
from tests.unit.formats.test_bundle import manifest, write_bundle

TRACE = build_space(
    """
    env profile_start_time=1700000000000000000
    plane /host:CPU
    line grpc-1
      BatchingSessionRun 10..12000us
    """
)


def add_run(logs: Path, run: str, *hosts: str) -> Path:
    folder = logs / "plugins" / "profile" / run
    folder.mkdir(parents=True)
    for host in hosts or ("h",):
        (folder / f"{host}.xplane.pb").write_bytes(TRACE)
    return folder


@pytest.mark.parametrize(
    ("story", "events"),
    [
        ("no-batching", 12_319),
        ("batch-timeout", 15_755),
        ("padding", 64_016),
        ("in-graph-batching", 46_717),
    ],
)
def test_a_bare_trace_has_events_and_says_what_is_missing(story: str, events: int) -> None:
    capture = open_bundle(sample_path(story) / "server.xplane.pb")
    assert capture.name == "server"
    assert sum(len(plane.events) for plane in capture.planes) == events
    assert [caveat.code for caveat in capture.caveats] == ["bare-trace"]
    absent = (capture.host_samples, capture.gpu_samples, capture.metrics, capture.server)
    assert all(isinstance(part, Unavailable) for part in (*absent, capture.manifest))


def test_a_bare_trace_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "from-ticket.bin").write_bytes(TRACE)
    assert open_bundle(tmp_path / "from-ticket.bin").name == "from-ticket.bin"


def test_a_run_folder_is_read_and_named_by_its_name(tmp_path: Path) -> None:
    capture = open_bundle(add_run(tmp_path, "2026_11_22_23_50_00"))
    assert capture.name == "2026_11_22_23_50_00"
    assert [caveat.code for caveat in capture.caveats] == ["bare-trace"]


@pytest.mark.parametrize("below", ["", "plugins", "plugins/profile"])
def test_of_several_runs_one_has_to_be_chosen(tmp_path: Path, below: str) -> None:
    runs = ("2024_01_01_00_00_00", "2025_01_01_00_00_00", "2026_11_22_23_50_00")
    for run in runs:
        add_run(tmp_path, run)
    with pytest.raises(InputError, match="3 runs") as caught:
        open_bundle(tmp_path / below)
    assert caught.value.cause == ", ".join(runs)
    assert (caught.value.parameter, caught.value.retry) == ("run", {"run": "newest"})
    assert open_bundle(tmp_path / below, run="newest").name == "2026_11_22_23_50_00"
    assert open_bundle(tmp_path / below, run=runs[0]).name == runs[0]


def test_a_run_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    add_run(tmp_path, "2024_01_01_00_00_00")
    with pytest.raises(SourceNotFoundError, match="no run '2023'") as caught:
        open_bundle(tmp_path, run="2023")
    assert caught.value.cause == "its runs: 2024_01_01_00_00_00"
    write_bundle(tmp_path / "b")
    with pytest.raises(SourceNotFoundError, match="no run 'x'"):
        open_bundle(tmp_path / "b", run="x")
    trace = tmp_path / "plugins/profile/2024_01_01_00_00_00/h.xplane.pb"
    with pytest.raises(SourceNotFoundError, match="no run 'x'") as caught:
        open_bundle(trace, run="x")
    assert caught.value.cause == "it is a single trace"


def test_a_run_may_be_named_by_the_folder_of_its_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "monday")
    write_bundle(tmp_path / "tuesday")
    with pytest.raises(InputError, match="2 runs") as caught:
        open_bundle(tmp_path)
    assert caught.value.cause == "monday/2026_11_22_23_50_00, tuesday/2026_11_22_23_50_00"
    assert open_bundle(tmp_path, run="tuesday").name == "tuesday"
    assert open_bundle(tmp_path, run="monday/2026_11_22_23_50_00").name == "monday"
    with pytest.raises(InputError, match="2 runs are called '2026_11_22_23_50_00'"):
        open_bundle(tmp_path, run="2026_11_22_23_50_00")
    assert open_bundle(tmp_path / "monday", run="2026_11_22_23_50_00").name == "monday"


def test_runs_without_a_time_for_a_name_are_ordered_by_when_they_were_written(
    tmp_path: Path,
) -> None:
    for second, run in enumerate(["zebra", "aardvark"]):
        os.utime(add_run(tmp_path, run) / "h.xplane.pb", (second, second))
    assert open_bundle(tmp_path, run="newest").name == "aardvark"


def test_runs_below_named_log_directories_are_found(tmp_path: Path) -> None:
    add_run(tmp_path / "replica-1" / "tuesday", "2026_11_22_23_50_00")
    assert open_bundle(tmp_path).name == "2026_11_22_23_50_00"


def test_several_hosts_in_one_run_have_to_be_chosen_from(tmp_path: Path) -> None:
    run = add_run(tmp_path, "2026_11_22_23_50_00", "a", "b")
    with pytest.raises(InputError, match="traces of 2 hosts") as caught:
        open_bundle(tmp_path)
    assert "2026_11_22_23_50_00/a.xplane.pb" in caught.value.cause
    assert caught.value.hint == "name one of these files"
    assert open_bundle(run / "a.xplane.pb").name == "a"


def test_a_zipped_log_directory_is_read_like_the_folder(tmp_path: Path) -> None:
    add_run(tmp_path / "logs", "2026_11_22_23_50_00")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "logs")
    assert open_bundle(Path(packed)).name == "2026_11_22_23_50_00"


def test_a_zip_of_the_bundles_folder_is_still_the_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "bundle")
    capture = open_bundle(Path(packed))
    assert capture.name == "bundle"
    assert capture.caveats == ()
    assert not isinstance(capture.metrics, Unavailable)


def test_of_a_folder_of_bundles_the_newest_is_read_whole(tmp_path: Path) -> None:
    write_bundle(tmp_path / "monday")
    add_run(tmp_path / "sunday", "2020_01_01_00_00_00")
    capture = open_bundle(tmp_path, run="newest")
    assert capture.name == "monday"
    assert capture.caveats == ()
    assert not isinstance(capture.metrics, Unavailable)


def test_what_a_killed_writer_left_behind_is_no_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / ".monday.0123456789ab.partial")
    with pytest.raises(SourceNotFoundError, match="no trace in it"):
        open_bundle(tmp_path)


def test_a_folder_of_zipped_bundles_says_to_name_one(tmp_path: Path) -> None:
    write_bundle(tmp_path / "monday.zip")
    with pytest.raises(SourceNotFoundError, match="no trace in it") as caught:
        open_bundle(tmp_path)
    assert caught.value.cause == "only in another place: monday.zip"
    assert caught.value.hint == "name one of these files"


def test_metrics_that_cannot_be_read_cost_a_caveat_and_not_the_capture(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "b") as writer:
        writer.add_trace("h", TRACE)
        writer.add_metrics("before", b"<html>404</html>")
        writer.add_metrics("after", b"")
        capture = open_bundle(writer.finish(manifest()))
    assert isinstance(capture.metrics, Unavailable)
    assert [caveat.code for caveat in capture.caveats] == ["metrics-unreadable"]
    assert "line 1" in str(capture.caveats[0].fact("reason"))


def test_what_the_servers_tracers_reported_becomes_caveats(tmp_path: Path) -> None:
    trace = tmp_path / "t.xplane.pb"
    trace.write_bytes(
        build_space(
            """
            error CUPTI_ERROR_INSUFFICIENT_PRIVILEGES
            warning Detected GPU events dropped on vm: 7 events dropped
            warning something else
            plane /host:CPU
            line grpc-1
              SessionRun 1..2us
            """
        )
    )
    capture = open_bundle(trace)
    assert {caveat.code: caveat.fact("messages") for caveat in capture.caveats[1:]} == {
        "dropped-events": ("Detected GPU events dropped on vm: 7 events dropped",),
        "tracer-errors": ("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES",),
        "tracer-warnings": ("something else",),
    }


def test_a_path_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="no such file"):
        open_bundle(tmp_path / "nothing")


def test_a_folder_without_a_trace_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(SourceNotFoundError, match="no trace in it") as caught:
        open_bundle(tmp_path)
    assert "name a bundle" in caught.value.hint
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "h.xplane.pb").write_bytes(TRACE)
    with pytest.raises(SourceNotFoundError, match="no trace in it") as caught:
        open_bundle(tmp_path)
    assert caught.value.cause == "only in another place: deep/h.xplane.pb"


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", SourceNotFoundError, "an empty file"),
        (b"This is a text file.\nIt has lines.\n", XSpaceDecodeError, "x.xplane.pb: "),
        (TRACE[:-5], XSpaceDecodeError, "x.xplane.pb: "),
        (gzip.compress(TRACE), InputError, "compressed with gzip"),
        (b'{"traceEvents": []}', InputError, "JSON, not an XSpace"),
        (b"PK\x03\x04 and no more", BundleCorruptError, "not a whole zip"),
        # A field no XSpace has: skipped, as protobuf demands, and then nothing is left.
        (b"\x78\x01", SourceNotFoundError, "no plane in it"),
    ],
)
def test_what_is_no_trace_is_refused_by_its_kind(
    tmp_path: Path, content: bytes, error: type[InputError], message: str
) -> None:
    path = tmp_path / "x.xplane.pb"
    path.write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        open_bundle(path)
    assert caught.value.hint


def test_a_zip_by_name_only_is_refused_as_one(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(TRACE)
    with pytest.raises(BundleCorruptError, match="not a whole zip"):
        open_bundle(tmp_path / "x.zip")


def test_a_zip_without_traces_is_refused_like_a_folder_without(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("holiday.jpg", b"")
    with pytest.raises(SourceNotFoundError, match="no trace in it"):
        open_bundle(tmp_path / "x.zip")


def test_pipes_and_devices_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xplane.pb")
    for path in (tmp_path / "pipe.xplane.pb", Path("/dev/zero")):
        with pytest.raises(InputError, match="not a regular file"):
            open_bundle(path)
    with pytest.raises(InputError, match="not a regular file"):
        open_bundle(tmp_path)


def test_a_file_over_two_gib_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.xplane.pb"
    with path.open("wb") as file:
        file.write(TRACE)
        file.truncate((2 << 30) + 1)
    with pytest.raises(InputError, match="the limit is 2,147,483,648"):
        open_bundle(path)
