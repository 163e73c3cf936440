"""``diag/manifest.json``: what a bundle is, how it was made, what it holds and what it lacks."""

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
    """When the capture was asked for and answered, by the capturing host's wall clock.

    It encloses what was recorded; the exact window comes from the trace.
    """

    start_unix_ns: Count
    end_unix_ns: Count


class ClockRecord(msgspec.Struct, frozen=True):
    """``server_unix_ns = source_unix_ns + offset_ns``, true to ``± uncertainty_ns``."""

    source: str
    offset_ns: Nanoseconds
    uncertainty_ns: Count


class SourceRecord(msgspec.Struct, frozen=True):
    """What one source gave (``recorded``), or why it gave nothing (``unavailable``)."""

    status: Literal["recorded", "unavailable"]
    detail: str = ""


class CaveatRecord(msgspec.Struct, frozen=True):
    """Something that limits what the numbers mean: a permanent code and a sentence."""

    code: str
    text: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a bundle; docs/bundle-format.md describes every field.

    Attributes:
        created: With a time zone; RFC 3339 in the file, e.g. ``2026-11-22T23:50:00Z``.
        diag_version: The writer.
        tools: Version by tool or library that mattered for the capture.
        target: Where the server was reached; never a secret.
        plan: What was asked for: ``duration_ms``, ``host_tracer_level`` and so on.
        window: Client's wall clock around the recording, or None where none was taken.
        clocks: One for each source beside the trace.
        parts: By part name; filled in by the bundle's writer.
        sources: By source: ``trace``, ``host``, ``gpu``, ``metrics``, ``server``.
        caveats: What the capture already knows to limit the meaning of the numbers.
        observer: What the capture cost the server, where that was measured.
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
        ValueError: ``decode_manifest`` would refuse it; types do not hold the bounds of numbers.
    """
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    msgspec.json.decode(data, type=Manifest)
    return data


def is_writable(clock: ClockRecord) -> bool:
    """Whether a manifest with this record could be read back."""
    try:
        msgspec.convert(msgspec.structs.asdict(clock), ClockRecord)
    except msgspec.ValidationError:
        return False
    return True


def decode_manifest(data: bytes, where: str) -> Manifest:
    """The manifest in ``data``; unknown fields are ignored, wrong ones are not.

    Args:
        data: JSON.
        where: The bundle, for messages.

    Raises:
        BundleVersionError: A newer diag wrote it; nothing else of it is looked at.
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
