"""``diag doctor`` as people run it: before a capture, and as a readiness check."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from diag.demo.processes import DemoServer
from diag.demo.scenarios import SCENARIOS
from tests.support.serving import serving
from tests.support.shell import diag


@pytest.mark.tensorflow
def test_the_demo_server_can_be_captured(tmp_path: Path) -> None:
    ports = ("--port", "0", "--http-port", "0")
    with DemoServer.start(SCENARIOS["batch-timeout"], tmp_path / "log", *ports) as server:
        address = server.address
        page = f"{address.http}/monitoring/prometheus/metrics"
        options = ("--server", address.grpc, "--metrics", page, "--model", "dense")
        text = diag("doctor", *options, cwd=tmp_path)
        document = json.loads(diag("doctor", *options, "-f", "json", cwd=tmp_path).stdout)
    assert (text.returncode, text.stderr) == (0, "")
    lines = text.stdout.splitlines()
    assert lines[0].startswith("ok       address ")
    assert any(line.startswith("ok       models        dense:1 AVAILABLE") for line in lines)
    assert lines[-1].split() == ["next:", "diag", "capture", address.grpc]
    assert list(tmp_path.iterdir()) == [tmp_path / "log"]  # nothing is recorded
    found = {check["name"]: check for check in document["checks"]}
    assert (document["version"], document["ready"]) == (1, True)
    assert document["took_ms"] < 5000
    assert found["metrics"]["status"] != "failure"
    assert found["a capture now"]["status"] == "ok"
    assert found["a capture now"]["what"].startswith("would hold the trace, ")


def test_a_check_that_failed_is_the_exit_status(tmp_path: Path) -> None:
    with serving(models={"m": {3: 30}}) as server:
        assert diag("doctor", server.address, "--model", "m", cwd=tmp_path).returncode == 0
        absent = diag("doctor", server.address, "--model", "other", "-f", "json", cwd=tmp_path)
    assert absent.returncode == 4
    document = json.loads(absent.stdout)
    assert document["ready"] is False
    failed = [check for check in document["checks"] if check["status"] == "failure"]
    assert [check["name"] for check in failed] == ["models"]
    assert failed[0]["next"]


def test_where_nothing_answers_it_ends_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        begin = time.monotonic()
        done = diag("doctor", address, cwd=tmp_path)
        assert time.monotonic() - begin < 10  # five seconds of its own, and the start of Python
    assert done.returncode == 4
    assert "failure  protocol" in done.stdout
    dead = diag("doctor", address, cwd=tmp_path)
    assert dead.returncode == 4
    assert "next:" in dead.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((), "--server"), (("not an address",), "not an address"), (("h:1", "-f", "md"), "md")],
)
def test_wrong_use_says_what_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = diag("doctor", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
