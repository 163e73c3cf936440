"""What single scenarios ask of the demo's processes, over real sockets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest

from diag.demo.child import Child
from diag.demo.load import PREDICT
from diag.demo.processes import DemoServer
from diag.demo.scenarios import SCENARIOS
from diag.demo.truth import read_truth

if TYPE_CHECKING:
    from diag.demo.processes import ServerAddress

pytestmark = pytest.mark.tensorflow

FREE_PORTS = ("--port", "0", "--http-port", "0")
LONG_S = 20.0


def statuses(server: ServerAddress, payload: str, number: int) -> list[str]:
    """Of so many calls at once, by the server: the clients' own deadline is far away."""
    message = Path(payload).read_bytes()
    with (
        grpc.insecure_channel(server.grpc) as channel,
        ThreadPoolExecutor(number) as threads,
    ):
        predict = channel.unary_unary(PREDICT)

        def call(_: int) -> str:
            try:
                predict(message, timeout=LONG_S)
            except grpc.RpcError as error:
                return str(error.code().name)
            return "OK"

        return sorted(threads.map(call, range(number)))


def test_requests_of_more_rows_than_a_batch_may_have_are_refused(tmp_path: Path) -> None:
    scenario = SCENARIOS["large-requests"]
    truth = tmp_path / "truth.json"
    options = ("--truth", str(truth), *FREE_PORTS)
    with DemoServer.start(scenario, tmp_path / "server.log", *options) as server:
        (payloads,) = server.address.payloads
        found = {
            rows: statuses(server.address, payload, 1)
            for rows, payload in zip(scenario.streams[0].rows, payloads, strict=True)
        }
        server.stop()
    assert found == {2: ["OK"], 4: ["OK"], 8: ["OK"], 32: ["INVALID_ARGUMENT"]}
    facts, requests = read_truth(truth)
    assert facts["planted"] == "request-too-large"
    assert [(each.rows, each.status) for each in requests][-1] == (32, "INVALID_ARGUMENT")


def test_requests_that_wait_longer_than_the_deadline_fail_in_the_server(tmp_path: Path) -> None:
    scenario = SCENARIOS["short-deadline"]
    with DemoServer.start(scenario, tmp_path / "server.log", *FREE_PORTS) as server:
        ((payload,),) = server.address.payloads
        found = statuses(server.address, payload, 64)
    assert set(found) == {"DEADLINE_EXCEEDED", "OK"}


def test_the_pools_of_the_server_have_as_many_threads_as_the_scenario_says(tmp_path: Path) -> None:
    scenario = SCENARIOS["cpu-saturated"]
    with DemoServer.start(scenario, tmp_path / "server.log", *FREE_PORTS) as server:
        tasks = Path(f"/proc/{server.address.pid}/task").iterdir()
        names = [(task / "comm").read_text().strip() for task in tasks]
    assert names.count("tf_Compute") == scenario.inter_op_threads


def test_neighbours_compute_until_they_are_told_to_end(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    neighbours = Child("diag.demo.neighbours", (), tmp_path / "log")
    try:
        line = neighbours.read_line(30).decode()
        (parent,) = set(psutil.Process().children()) - before
        computing = parent.children()
    finally:
        neighbours.end()
    assert line == f"{len(computing)} processes compute\n"
    assert len(computing) > (psutil.cpu_count() or 1)
    _, alive = psutil.wait_procs(computing, timeout=20)
    assert alive == []
