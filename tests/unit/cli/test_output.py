"""Results are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diag.cli.output import STDOUT, check_output, write_output
from diag.errors import OutputError


def test_a_file_is_written_with_nothing_left_beside_it(tmp_path):
    target = tmp_path / "report.md"
    write_output(target, "µ 12.6 ms\n")
    assert target.read_bytes() == "µ 12.6 ms\n".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_kept_without_force(tmp_path):
    target = tmp_path / "report.md"
    target.write_text("old")
    with pytest.raises(OutputError) as caught:
        write_output(target, "new")
    assert "--force" in caught.value.hint
    assert target.read_text() == "old"


def test_force_replaces_an_existing_file(tmp_path):
    target = tmp_path / "report.md"
    target.write_text("old")
    write_output(target, b"new", force=True)
    assert target.read_text() == "new"


def test_a_missing_folder_is_named_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(OutputError) as caught:
        check_output(tmp_path / "deep" / "report.md", force=False)
    assert caught.value.hint == f"mkdir -p {tmp_path / 'deep'}"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_is_never_replaced(tmp_path, force):
    with pytest.raises(OutputError, match="is a folder"):
        write_output(tmp_path, "x", force=force)


def test_a_full_disk_is_an_output_error_with_the_systems_reason():
    with pytest.raises(OutputError) as caught:
        write_output(Path("/dev/full"), "x")
    assert caught.value.cause == os.strerror(28)


def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary(tmp_path):
    target = tmp_path / ("n" * 255)
    target.write_text("old")
    target_too_long = tmp_path / ("n" * 300)
    with pytest.raises(OutputError):
        write_output(target_too_long, "new", force=True)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_stdout_gets_utf8_whatever_the_locale_says(capfdbinary):
    write_output(STDOUT, "µ\n")
    assert capfdbinary.readouterr().out == "µ\n".encode()


def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path):
    target = tmp_path / "metrics.prom"
    before = os.umask(0o027)
    try:
        write_output(target, "up 1\n")
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o640
