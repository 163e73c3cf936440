from __future__ import annotations

import socket

import pytest

from tests.conftest import NetworkAccessError


def test_a_test_cannot_reach_another_machine() -> None:
    with socket.socket() as stranger, pytest.raises(NetworkAccessError, match=r"192\.0\.2\.1"):
        stranger.connect(("192.0.2.1", 80))


def test_a_test_can_reach_this_machine() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()
