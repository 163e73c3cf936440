"""Ports for the demo server, chosen before it starts."""

from __future__ import annotations

import socket


def choose_port(requested: int | None, default: int) -> int:
    """The requested port; else the default one, or 0 (any free port) if that is taken."""
    if requested is not None:
        return requested
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", default))
        except OSError:
            return 0
    return default
