"""Hostile zips: refused with one clear error, nothing unpacked to disk."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from diag.errors import BundleCorruptError
from diag.formats.bundle.archive import ENTRIES_MAX, ZipTree
from diag.formats.limits import MIB

if TYPE_CHECKING:
    from pathlib import Path


def zip_bytes(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = 8) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # about doubled names
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def open_zip(folder: Path, data: bytes) -> ZipTree:
    path = folder / "x.zip"
    path.write_bytes(data)
    # The tree closes the file.
    return ZipTree(path.open("rb"), str(path), PurePosixPath(path))


def read_first(tree: ZipTree) -> bytes:
    try:
        return tree.read(tree.names()[0], MIB)
    finally:
        tree.close()


def refusal(folder: Path, data: bytes) -> str:
    """Why a zip is refused, on opening it or on reading its first file."""
    with pytest.raises(BundleCorruptError) as caught:
        read_first(open_zip(folder, data))
    assert [path.name for path in folder.iterdir()] == ["x.zip"]
    return f"{caught.value.message} {caught.value.cause}"


def test_files_come_back_and_folders_are_no_files(tmp_path: Path) -> None:
    tree = open_zip(tmp_path, zip_bytes(("b/", b""), ("b/x", b"1"), ("a", b"2" * 3 * MIB)))
    assert tree.names() == ("a", "b/x")
    assert tree.read("a", 3 * MIB) == b"2" * 3 * MIB
    tree.close()


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "a\\..\\x", "a//b", "./x", "a\x1b[2Jb"]
)
def test_names_that_lead_out_or_disturb_a_terminal_are_refused(tmp_path: Path, name: str) -> None:
    assert "is not a plain path inside the zip" in refusal(tmp_path, zip_bytes((name, b"1")))


def test_a_name_with_a_nul_byte_is_refused_and_not_cut_at_it(tmp_path: Path) -> None:
    data = zip_bytes(("good.txt+evil", b"1")).replace(b"+evil", b"\x00evil")
    assert "is not a plain path inside the zip" in refusal(tmp_path, data)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("diag/manifest.json")
    entry.external_attr = (kind | 0o777) << 16
    assert "is a link or device" in refusal(tmp_path, zip_bytes((entry, b"/etc/passwd")))


def test_doubled_names_are_refused(tmp_path: Path) -> None:
    assert "is there twice" in refusal(tmp_path, zip_bytes(("a", b"1"), ("a", b"2")))


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    data = bytearray(zip_bytes(("a", b"1")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in refusal(tmp_path, bytes(data))


def test_unusual_compression_is_refused(tmp_path: Path) -> None:
    data = zip_bytes(("a", b"1"), method=zipfile.ZIP_BZIP2)
    assert "is compressed in an unusual way" in refusal(tmp_path, data)


def test_a_file_that_expands_a_thousandfold_is_refused_unread(tmp_path: Path) -> None:
    data = zip_bytes(("a", bytes(8 * MIB)))
    assert len(data) < 20_000
    assert "expands more than 250 times" in refusal(tmp_path, data)


def test_many_files_that_are_too_large_together_are_refused_unread(tmp_path: Path) -> None:
    # 5 GiB by its directory of entries, which is all that is looked at.
    data = zip_bytes(*((f"{i}", b"1") for i in range(5)), method=zipfile.ZIP_STORED)
    size = struct.pack("<II", 1 << 30, 1 << 30)
    assert data.count(b"\x01\x00\x00\x00\x01\x00\x00\x00") == 10
    start = data.index(b"PK\x01\x02")
    directory = data[start:].replace(b"\x01\x00\x00\x00\x01\x00\x00\x00", size)
    assert "bytes when unpacked" in refusal(tmp_path, data[:start] + directory)


def test_a_file_larger_than_its_part_may_be_is_refused(tmp_path: Path) -> None:
    data = zip_bytes(("a", b"1" * (MIB + 1)), method=zipfile.ZIP_STORED)
    assert "the limit is 1,048,576" in refusal(tmp_path, data)


def test_a_file_that_unpacks_to_more_than_it_declares_ends_there(tmp_path: Path) -> None:
    data = bytearray(zip_bytes(("a", b"1" * MIB)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    assert "Bad CRC-32" in refusal(tmp_path, bytes(data))


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    entries = ((f"{i}", b"") for i in range(ENTRIES_MAX + 1))
    assert "4,097 entries, the limit is 4,096" in refusal(tmp_path, zip_bytes(*entries))


def test_a_huge_directory_of_entries_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    directory_bytes = 1 << 30
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, directory_bytes, 0, 0)
    with path.open("wb") as file:
        file.seek(directory_bytes)
        file.write(end)
    with path.open("rb") as file, pytest.raises(BundleCorruptError) as caught:
        ZipTree(file, str(path), PurePosixPath(path))
    assert caught.value.cause == "asks to read 1,073,741,824 bytes at once"


@pytest.mark.parametrize("keep", [2, 30, 60, -1, -20])
def test_a_truncated_zip_says_so(tmp_path: Path, keep: int) -> None:
    whole = zip_bytes(("diag/manifest.json", b"{}" * 30))
    assert "not a whole zip" in refusal(tmp_path, whole[:keep])


def test_damaged_content_is_noticed(tmp_path: Path) -> None:
    data = zip_bytes(("a", b"content"), method=zipfile.ZIP_STORED).replace(b"content", b"CONTENT")
    assert "Bad CRC-32" in refusal(tmp_path, data)
