"""``diag agent`` as a program: its address, its end and its messages."""

from __future__ import annotations

import signal
import socket
import stat
from pathlib import Path

import grpc
import pytest

from diag.capture.samplers.remote.protocol import DESCRIBE
from diag.cli import main
from diag.formats.wire.agent_pb2 import DescribeRequest, Description
from tests.support.agent import TOKEN, agent_child
from tests.support.certificates import make_certificates


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The error of an agent that does not start."""
    assert main(["agent", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_it_listens_on_the_loopback_until_sigterm() -> None:
    with agent_child() as agent:
        assert agent.address.startswith("127.0.0.1:")
        with grpc.insecure_channel(agent.address) as channel:
            call = channel.unary_unary(
                DESCRIBE, DescribeRequest.SerializeToString, Description.FromString
            )
            found = call(DescribeRequest(), timeout=10)
        assert found.hostname == socket.gethostname()
        assert [state.source for state in found.sources] == ["host", "gpu"]
        agent.process.send_signal(signal.SIGTERM)
        status, log = agent.ended()
    assert status == 0
    assert [line.split(" ", 1)[1] for line in log] == ["stopped by SIGTERM"]


def test_a_socket_is_the_owners_alone_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "agent.sock"
    with agent_child(listen=f"unix:{path}") as agent:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        agent.process.send_signal(signal.SIGINT)
        status, log = agent.ended()
    assert status == 0
    assert log[-1].endswith("stopped by SIGINT")


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_another_address_needs_tls_and_a_token(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, address: str
) -> None:
    made = make_certificates(tmp_path)
    cert, key, token = tmp_path / "agent.pem", tmp_path / "agent.key", tmp_path / "token"
    for path, data in ((cert, made.server_chain), (key, made.server_key), (token, TOKEN.encode())):
        path.touch(mode=0o600)
        path.write_bytes(data)
    tls = ["--tls-cert", str(cert), "--tls-key", str(key)]
    secret = ["--token-file", str(token)]
    assert "--tls-cert and --tls-key, and --token-file" in refused(capsys, "--listen", address)
    without_tls = refused(capsys, "--listen", address, *secret)
    assert "it needs --tls-cert and --tls-key\n" in without_tls
    without_token = refused(capsys, "--listen", address, *tls)
    assert "it needs --token-file (or the variable DIAG_AGENT_TOKEN)\n" in without_token
    with agent_child(*tls, *secret, listen=address) as agent:
        assert agent.process.poll() is None
        assert TOKEN not in Path(f"/proc/{agent.process.pid}/cmdline").read_text()


def test_a_port_in_use_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused(capsys, "--listen", address)
    assert f"error: --listen {address} cannot be used\n" in said
    assert "Address already in use" in said


def test_a_socket_in_use_and_a_file_are_left_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, file = tmp_path / "in-use", tmp_path / "file"
    file.write_text("precious")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert "is in use" in refused(capsys, "--listen", f"unix:{path}")
    assert "a file of that name" in refused(capsys, "--listen", f"unix:{file}")
    assert file.read_text() == "precious"
    # The listener is gone; the socket file that it left does not prevent a new start.
    with agent_child(listen=f"unix:{path}") as agent:
        assert agent.address == f"unix:{path}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listen", "nowhere"], "--listen 'nowhere' is not HOST:PORT"),
        (["--listen", "no-such-host.invalid:9500"], "cannot be resolved"),
        (["--tls-cert", "c.pem"], "--tls-cert and --tls-key must be given together"),
        (["--client-ca", "c.pem"], "also for --client-ca"),
        (["--tls-cert", "c.pem", "--tls-key", "k.pem"], "--tls-key k.pem cannot be read"),
        (["--token-file", "nowhere"], "--token-file nowhere cannot be read"),
        (["--max-clients", "0"], "--max-clients"),
        (["--server-port", "0"], "--server-port"),
    ],
)
def test_what_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in refused(capsys, *arguments)


def test_a_key_that_is_not_the_certificates_is_found_at_the_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = make_certificates(tmp_path)
    cert = tmp_path / "agent.pem"
    cert.write_bytes(made.server_chain)
    made.client_key.chmod(0o600)
    said = refused(
        capsys,
        *("--listen", "127.0.0.1:0", "--tls-cert", str(cert), "--tls-key", str(made.client_key)),
    )
    assert "cannot be used" in said
    assert "KEY_VALUES_MISMATCH" in said
