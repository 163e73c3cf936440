"""Reading bundles: what is verified, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from diag.errors import BundleCorruptError, BundleVersionError
from diag.formats.source import open_bundle
from tests.unit.formats.test_bundle import TRACE, TRACE_NAME, write_bundle

if TYPE_CHECKING:
    from pathlib import Path


def edit_manifest(bundle: Path, **fields: object) -> None:
    path = bundle / "diag" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_foreign_files_are_ignored(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    (bundle / TRACE_NAME).with_name("other.xplane.pb").write_bytes(b"not listed")
    (bundle / "diag" / "notes.txt").write_text("mine")
    os.mkfifo(bundle / "pipe")
    assert open_bundle(bundle).caveats == ()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (b"", "has 0 bytes, not"),
        (TRACE[:-1] + b"\x00", "does not match its checksum"),
        (None, "is listed but missing"),
    ],
)
def test_a_changed_part_is_refused(tmp_path: Path, damage: bytes | None, message: str) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    trace = bundle / TRACE_NAME
    if damage is None:
        trace.unlink()
    else:
        trace.write_bytes(damage)
    with pytest.raises(BundleCorruptError, match=message):
        open_bundle(bundle)


def test_a_part_that_no_reader_knows_is_verified_all_the_same(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    later = bundle / "diag" / "later.bin"
    later.write_bytes(b"1")
    parts = json.loads((bundle / "diag" / "manifest.json").read_text())["parts"]
    entry = {"sha256": hashlib.sha256(b"1").hexdigest(), "size_bytes": 1}
    edit_manifest(bundle, parts=parts | {"diag/later.bin": entry})
    assert open_bundle(bundle).caveats == ()
    later.write_bytes(b"2")
    with pytest.raises(BundleCorruptError, match="does not match its checksum"):
        open_bundle(bundle)


def test_a_newer_format_version_is_refused_whatever_else_the_manifest_says(
    tmp_path: Path,
) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    edit_manifest(bundle, format_version=2, parts="something new", created=None)
    with pytest.raises(BundleVersionError, match="bundle format 2, this diag reads up to 1"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "diag/../../x", "", "diag//x", "a\\b", "C:/x", "x\n"]
)
def test_part_names_cannot_lead_out_of_the_bundle(tmp_path: Path, name: str) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    edit_manifest(bundle, parts={name: {"sha256": "0" * 64, "size_bytes": 1}})
    with pytest.raises(BundleCorruptError, match="is not a valid name of a part"):
        open_bundle(bundle)


def test_links_that_lead_out_of_the_bundle_are_not_followed(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    trace = bundle / TRACE_NAME
    (tmp_path / "same-bytes").write_bytes(trace.read_bytes())
    trace.unlink()
    trace.symlink_to(tmp_path / "same-bytes")
    with pytest.raises(BundleCorruptError, match="leads out of the folder"):
        open_bundle(bundle)
