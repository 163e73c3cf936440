"""``diag/manifest.json``: the version of a bundle, how it was recorded, and its parts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from diag.errors import BundleCorruptError, BundleVersionError

FORMAT_VERSION = 1

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
UtcTime = Annotated[datetime, msgspec.Meta(tz=True)]


class Part(msgspec.Struct, frozen=True):
    """Checksum and size of one file of the bundle."""

    sha256: Sha256
    size_bytes: Count


class WindowRecord(msgspec.Struct, frozen=True):
    """Times of the profiling request and its response, by the capturing machine's wall clock.

    The interval contains the recorded window, which the trace gives exactly.
    """

    start_unix_ns: Count
    end_unix_ns: Count


class ClockRecord(msgspec.Struct, frozen=True):
    """``server_unix_ns = source_unix_ns + offset_ns``, within ``± uncertainty_ns``."""

    source: str
    offset_ns: Nanoseconds
    uncertainty_ns: Count


class SourceRecord(msgspec.Struct, frozen=True):
    """Result of one source: ``recorded`` with details, or ``unavailable`` with the reason."""

    status: Literal["recorded", "unavailable"]
    detail: str = ""


class CaveatRecord(msgspec.Struct, frozen=True):
    """A limit of the recorded data: a permanent code and a sentence."""

    code: str
    text: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a bundle; docs/bundle-format.md describes every field.

    Attributes:
        created: Start of the recording, with a time zone; RFC 3339 in the file, for example
            ``2026-11-22T23:50:00Z``.
        diag_version: Version of diag that wrote the bundle.
        tools: Version by tool or library that took part in the capture.
        target: Address of the server; never a secret.
        plan: Options of the capture: ``duration_ms``, ``host_tracer_level`` and so on.
        window: Wall-clock interval around the recording; None if it was not measured.
        clocks: One entry per source of samples.
        parts: Checksum and size by part name; BundleWriter fills it in.
        sources: Result by source: ``trace``, ``host``, ``gpu``, ``dcgm``, ``probe``, ``stacks``,
            ``metrics``, ``server``.
        caveats: Limits of the data that were known when it was recorded.
        observer: What the capture cost the server, if a load generator measured it.
    """

    format_version: Annotated[int, msgspec.Meta(ge=1)] = FORMAT_VERSION
    created: UtcTime
    diag_version: str
    tools: dict[str, str] = {}
    target: dict[str, Any] = {}
    plan: dict[str, Any] = {}
    window: WindowRecord | None = None
    clocks: tuple[ClockRecord, ...] = ()
    parts: dict[str, Part] = {}
    sources: dict[str, SourceRecord] = {}
    caveats: tuple[CaveatRecord, ...] = ()
    observer: dict[str, Any] | None = None


class _Versioned(msgspec.Struct):
    format_version: int


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as indented JSON with a final newline.

    Raises:
        ValueError: ``decode_manifest`` would refuse it, for example a number out of bounds.
    """
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    msgspec.json.decode(data, type=Manifest)
    return data


def is_writable(clock: ClockRecord) -> bool:
    """Whether a manifest with this record can be read back."""
    try:
        msgspec.convert(msgspec.structs.asdict(clock), ClockRecord)
    except msgspec.ValidationError:
        return False
    return True


def decode_manifest(data: bytes, where: str) -> Manifest:
    """Decode a manifest. Unknown fields are ignored; fields of the wrong type are an error.

    Args:
        data: JSON.
        where: Path or URL of the bundle, for messages.

    Raises:
        BundleVersionError: A newer diag wrote it; its other fields are not read.
        BundleCorruptError: Not JSON, or a field is missing or of the wrong kind; the message
            names its path in the document.
    """
    try:
        version = msgspec.json.decode(data, type=_Versioned).format_version
        if version > FORMAT_VERSION:
            raise BundleVersionError(
                f"{where}: bundle format {version}, this diag reads up to {FORMAT_VERSION}",
                hint="analyze it with the diag that wrote it, or a newer one",
            )
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BundleCorruptError(
            f"{where}: the manifest cannot be read",
            cause=str(exc),
            hint="the bundle is damaged, copy or capture it again",
        ) from exc
