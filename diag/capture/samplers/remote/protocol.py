"""Constants of the agent's protocol, for both ends; the messages are in wire/agent.proto."""

from __future__ import annotations

from pathlib import Path

# Increased when older clients and newer agents, or the reverse, no longer work together.
PROTOCOL = 1

SERVICE = "diag.wire.Agent"
DESCRIBE = f"/{SERVICE}/Describe"
READ_CLOCK = f"/{SERVICE}/ReadClock"
SAMPLE = f"/{SERVICE}/Sample"

SOURCES = ("host", "gpu")

PERIOD_MIN_NS = 10_000_000  # 100 Hz
PERIOD_MAX_NS = 1_000_000_000  # 1 Hz
# The longest possible capture, plus the time to start and end it.
DURATION_MAX_NS = 660_000_000_000

REQUEST_MAX_BYTES = 4096
MESSAGE_MAX_BYTES = 1 << 20

AUTHORIZATION = "authorization"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def bearer(token: str) -> str:
    """The value of the authorization metadata. Source: RFC 6750, section 2.1."""
    return f"Bearer {token}"


def boot_id() -> str:
    """Boot id of this machine's kernel, the same in all its containers; "" if unknown.

    Source: random(4).
    """
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
