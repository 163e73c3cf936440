"""The timeout that never passes; on its own, so that no NumPy is imported for it."""

from __future__ import annotations

from typing import Final

# The server takes any number of us of 63 bits. 146 years are the same as any longer time, a time of
# a trace plus them still fits int64, and they are 1 ns less than NEVER_NS, which means unknown.
FOREVER_NS: Final = (1 << 62) - 2
