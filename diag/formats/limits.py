"""Size limits of what diag reads: a larger file is refused before it is read."""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20
TRACE_MAX_BYTES: Final = 2048 * MIB  # protobuf cannot hold a larger message
MANIFEST_MAX_BYTES: Final = 4 * MIB
PART_MAX_BYTES: Final = 256 * MIB
