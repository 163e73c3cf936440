"""``diag agent`` accepts a port alone as a place on this machine."""

from __future__ import annotations

import pytest

from diag.cli.agent_command import agent


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ([], "127.0.0.1:9500"),
        (["--listen", "9600"], "127.0.0.1:9600"),
        (["--listen", "0.0.0.0:9600"], "0.0.0.0:9600"),
        (["--listen", "unix:/run/9600"], "unix:/run/9600"),
    ],
)
def test_a_port_alone_is_on_this_machine(typed: list[str], address: str) -> None:
    assert agent.make_context("agent", typed).params["listen"] == address
