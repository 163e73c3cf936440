from __future__ import annotations

import socket

import pytest

from diag.capture.address import parse_address
from diag.capture.server.target import Target, find_server
from diag.errors import ServerUnreachableError, UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:8500", ("localhost", 8500)),
        ("10.0.0.7:1", ("10.0.0.7", 1)),
        ("[::1]:8500", ("::1", 8500)),
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65535)),
        ("unix:/run/tfs.sock", ("/run/tfs.sock", 0)),
        ("unix:///run/tfs.sock", ("/run/tfs.sock", 0)),
        ("unix:tfs.sock", ("tfs.sock", 0)),
    ],
)
def test_addresses_are_read(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text, "server") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host:",
        ":8500",
        "host:0",
        "host:65536",
        "::1:8500",
        "http://h:1",
        "h:1/x",
        "unix:",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text, "server")


def test_the_authority_is_the_name_and_the_target_its_address() -> None:
    target = Target("tfs:8500", "tfs", 8500, "10.0.0.7", socket.AF_INET)
    assert (target.authority, target.grpc_target) == ("tfs:8500", "ipv4:10.0.0.7:8500")
    target = Target("[::1]:85", "::1", 85, "::1", socket.AF_INET6)
    assert (target.authority, target.grpc_target) == ("[::1]:85", "ipv6:[::1]:85")
    target = Target("unix:/s", "", 0, "/s", socket.AF_UNIX)
    assert (target.authority, target.grpc_target) == ("localhost", "unix:/s")


def test_the_first_address_that_accepts_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # localhost may stand for ::1 as well, where no process listens.
        assert find_server(f"localhost:{port}", 1.0).address == "127.0.0.1"


def test_a_unix_socket_that_is_not_there() -> None:
    with pytest.raises(ServerUnreachableError, match="nothing answers") as caught:
        find_server("unix:/nonexistent/s", 1.0)
    assert "No such file" in caught.value.cause
