"""The private log directory of ``diag tb``."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from diag.errors import BundleCorruptError, InputError, SourceNotFoundError
from diag.formats.source import open_bundle
from diag.tensorboard.log_directory import log_directory, shown_as
from tests.conftest import sample_path

TRACE = sample_path("no-batching") / "server.xplane.pb"
BUNDLE = sample_path("demo-batch-timeout") / "bundle.zip"
RUN = "2026_11_23_01_58_57"


def names_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    with zipfile.ZipFile(BUNDLE) as bundle:
        bundle.extractall(tmp_path / "incident")
    return tmp_path / "incident"


def test_a_zip_is_unpacked_privately_and_removed_at_the_end() -> None:
    with log_directory(BUNDLE) as logs:
        assert stat.S_IMODE(logs.stat().st_mode) == 0o700
        assert f"plugins/profile/{RUN}/127.0.0.1_8500.xplane.pb" in names_in(logs)
        assert open_bundle(logs).name == logs.name
        (logs / "cache-of-the-plugin").touch()
    assert not logs.exists()


def test_a_folder_is_linked_and_stays_as_it_was(folder: Path) -> None:
    (folder / "notes.txt").touch()
    before = names_in(folder)
    with log_directory(folder) as logs:
        (name,) = [each for each in names_in(logs) if each.endswith(".xplane.pb")]
        assert (logs / name).samefile(folder / name)
        assert "notes.txt" not in names_in(logs)
        (logs / name).with_name("cache.json").touch()
    assert names_in(folder) == before


@pytest.mark.parametrize(
    ("source", "run"),
    [
        ("", RUN),
        ("plugins", RUN),
        ("plugins/profile", RUN),
        (f"plugins/profile/{RUN}", RUN),
        (f"plugins/profile/{RUN}/127.0.0.1_8500.xplane.pb", "127.0.0.1_8500"),
    ],
)
def test_the_trace_counts_wherever_it_was(folder: Path, source: str, run: str) -> None:
    with log_directory(folder / source) as logs:
        traces = [name for name in names_in(logs) if name.endswith(".xplane.pb")]
    assert traces == [f"plugins/profile/{run}/127.0.0.1_8500.xplane.pb"]
    assert shown_as(folder / source) == (run, "127.0.0.1_8500")


def test_a_log_directory_keeps_the_folders_of_its_runs(tmp_path: Path) -> None:
    for name in ("a", "b/c"):
        run = tmp_path / name / "plugins" / "profile" / "2026_01_01_00_00_00"
        run.mkdir(parents=True)
        shutil.copy(TRACE, run / "h.xplane.pb")
    with log_directory(tmp_path) as logs:
        assert len(names_in(logs)) == 2
    assert shown_as(tmp_path, "b/c/2026_01_01_00_00_00") == ("b/c/2026_01_01_00_00_00", "h")
    with pytest.raises(InputError, match="2 runs"):
        shown_as(tmp_path)


def test_links_out_of_the_folder_are_left_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "diag" / "secret").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "diag" / "pipe")
    with pytest.raises(InputError, match="not a regular file"), log_directory(folder):
        pass
    (folder / "diag" / "pipe").unlink()
    with log_directory(folder) as logs:
        assert "diag/secret" not in names_in(logs)


def test_what_leads_out_of_a_zip_or_holds_no_trace_is_refused(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("plugins/profile/r/h.xplane.pb", b"")
        archive.writestr("../outside", b"")
    with pytest.raises(BundleCorruptError), log_directory(hostile):
        pass
    (tmp_path / "empty").mkdir()
    with (
        pytest.raises(SourceNotFoundError, match="no trace in it"),
        log_directory(tmp_path / "empty"),
    ):
        pass
    with pytest.raises(SourceNotFoundError), log_directory(tmp_path / "absent"):
        pass
