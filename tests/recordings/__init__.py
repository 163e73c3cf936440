"""Recordings of TensorFlow versions and programs, with what their clients logged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diag.formats.trace.capture import capture_from_trace

if TYPE_CHECKING:
    from diag.model.capture import Capture
    from diag.model.events import Int64s

_FOLDER = Path(__file__).parent / "versions"


def recorded(name: str) -> Capture:
    """The Capture of a recording."""
    return capture_from_trace(name, gzip.decompress(_bytes(f"{name}.xplane.pb.gz")), name)


def requests_by_clients(name: str) -> Int64s:
    """(n, 2) begin and end of each request by its client, unix ns, in order of begin."""
    truth = json.loads(_bytes(f"{name}.truth.json"))
    return np.array(sorted(truth["requests_unix_ns"]), np.int64)


def _bytes(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
