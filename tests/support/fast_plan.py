"""Plans and manifests of short captures, for tests against test servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from diag.capture.plan import MS, SECOND, CapturePlan

if TYPE_CHECKING:
    from pathlib import Path

FAST: dict[str, Any] = {
    "duration_ns": 100 * MS,
    "timeout_ns": 5 * SECOND,
    "metrics": "off",
    "warmup": False,
}


def plan(server: str, **changes: Any) -> CapturePlan:
    """A capture of 100 ms, without warm-up and metrics unless ``changes`` say otherwise."""
    return CapturePlan(server=server, **(FAST | changes))


def manifest_of(bundle: Path) -> dict[str, Any]:
    """The manifest of a bundle that is a folder."""
    document: dict[str, Any] = json.loads((bundle / "diag" / "manifest.json").read_bytes())
    return document
