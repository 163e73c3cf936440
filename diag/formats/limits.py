"""Size limits of what diag reads: a larger file is refused before it is read."""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20
TRACE_MAX_BYTES: Final = 2048 * MIB  # protobuf cannot hold a larger message
MANIFEST_MAX_BYTES: Final = 4 * MIB
STACKS_MAX_BYTES: Final = 64 * MIB
PART_MAX_BYTES: Final = 256 * MIB
# A day. A number that says more is no length of a recording: its trace would exceed all limits.
DURATION_MAX_MS: Final = 86_400_000
