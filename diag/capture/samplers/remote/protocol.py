"""What both ends of the agent's protocol agree on; the messages are in wire/agent.proto."""

from __future__ import annotations

from pathlib import Path

# Grows when an older client cannot go on with a newer agent, or the reverse.
PROTOCOL = 1

SERVICE = "diag.wire.Agent"
DESCRIBE = f"/{SERVICE}/Describe"
READ_CLOCK = f"/{SERVICE}/ReadClock"
SAMPLE = f"/{SERVICE}/Sample"

SOURCES = ("host", "gpu")

PERIOD_MIN_NS = 10_000_000  # 100 Hz
PERIOD_MAX_NS = 1_000_000_000  # 1 Hz
# The longest capture there can be, and the time to begin and to end it.
DURATION_MAX_NS = 660_000_000_000

REQUEST_MAX_BYTES = 4096
MESSAGE_MAX_BYTES = 1 << 20

AUTHORIZATION = "authorization"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def bearer(token: str) -> str:
    """The value of the authorization metadata. Source: RFC 6750, section 2.1."""
    return f"Bearer {token}"


def boot_id() -> str:
    """Of this machine's kernel, the same in all of its containers; "" if unknown. random(4)."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
