"""The manifest: what survives, and errors that say where in the document."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from diag.errors import BundleCorruptError, BundleVersionError
from diag.formats.bundle.layout import run_name
from diag.formats.bundle.manifest import (
    CaveatRecord,
    ClockRecord,
    Manifest,
    Part,
    SourceRecord,
    WindowRecord,
    decode_manifest,
    encode_manifest,
    is_writable,
)

FULL = Manifest(
    created=datetime(2026, 11, 22, 23, 50, 0, 123456, tzinfo=timezone.utc),
    diag_version="0.1.0",
    tools={"grpcio": "1.74.0"},
    target={"address": "10.0.0.7:8500"},
    plan={"duration_ms": 2000},
    window=WindowRecord(1_795_386_469_768_655_031, 1_795_386_471_768_655_031),
    clocks=(ClockRecord("gpu", -12, 3_000_000),),
    parts={"diag/gpu.jsonl": Part("0" * 64, 17)},
    sources={"gpu": SourceRecord("recorded"), "metrics": SourceRecord("unavailable", "404")},
    caveats=(CaveatRecord("window-too-short", "Too short."),),
    observer={"p50_before_ns": 1},
)


def test_a_manifest_survives_being_written_and_read() -> None:
    assert decode_manifest(encode_manifest(FULL), "b") == FULL


@pytest.mark.parametrize("clock", [("gpu", 1 << 63, 0), ("gpu", 0, -1)])
def test_what_could_not_be_read_back_is_not_written(clock: tuple[str, int, int]) -> None:
    record = ClockRecord(*clock)
    assert not is_writable(record)
    with pytest.raises(ValueError, match=r"clocks\[0\]"):
        encode_manifest(msgspec.structs.replace(FULL, clocks=(record,)))
    assert is_writable(FULL.clocks[0])


def test_nanoseconds_are_not_rounded() -> None:
    assert b'"start_unix_ns": 1795386469768655031' in encode_manifest(FULL)


def test_unknown_fields_are_ignored() -> None:
    document = json.loads(encode_manifest(FULL)) | {"later": 1}
    document["window"]["later"] = 1
    assert decode_manifest(json.dumps(document).encode(), "b") == FULL


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("created", "yesterday", "$.created"),
        ("created", "2026-11-22T23:50:00", "$.created"),
        ("diag_version", 1, "$.diag_version"),
        ("format_version", 0, "$.format_version"),
        ("format_version", "1", "$.format_version"),
        ("parts", {"diag/x": {"sha256": "00", "size_bytes": 1}}, "$.parts[...].sha256"),
        ("parts", {"diag/x": {"sha256": "0" * 64, "size_bytes": -1}}, "$.parts[...].size_bytes"),
        ("clocks", [{"source": "gpu", "offset_ns": 0.5}], "$.clocks[0].offset_ns"),
        ("sources", {"gpu": {"status": "perhaps"}}, "$.sources[...].status"),
        ("window", {"start_unix_ns": 1 << 70, "end_unix_ns": 1}, "$.window.start_unix_ns"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(path: str, value: Any, said: str) -> None:
    document = json.loads(encode_manifest(FULL)) | {path: value}
    with pytest.raises(BundleCorruptError, match=r"^b: the manifest cannot be read") as caught:
        decode_manifest(json.dumps(document).encode(), "b")
    assert said in caught.value.cause


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'{"created": "x"}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_manifest_is_one_error(data: bytes) -> None:
    with pytest.raises(BundleCorruptError, match="the manifest cannot be read"):
        decode_manifest(data, "b")


def test_a_newer_version_is_told_from_a_broken_manifest() -> None:
    with pytest.raises(BundleVersionError, match="bundle format 9") as caught:
        decode_manifest(b'{"format_version": 9}', "b")
    assert "newer" in caught.value.hint


def test_a_run_is_named_by_utc_wherever_it_was_captured() -> None:
    east = timezone(timedelta(hours=9))
    assert run_name(datetime(2026, 11, 23, 8, 50, 1, tzinfo=east)) == "2026_11_22_23_50_01"
