"""Captures of Python programs over their own profiler server, with and without stack samples."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import diag
from diag.inside.stack_server import StackServer
from diag.model.loops import LoopStage
from diag.model.stacks import StackSamples
from tests.support.fast_plan import manifest_of, plan
from tests.support.python_loop import WAIT_S, python_loop
from tests.support.serving import http_server, serving

LOOP = """
    line python id=5
      infer 1..2ms tf_function_call=notTraced-nonXla
        EagerExecute 1.1..1.9ms eager_op=__inference_infer_7
      infer 11..12ms tf_function_call=notTraced-nonXla
        EagerExecute 11.1..11.9ms eager_op=__inference_infer_7
      infer 21..22ms tf_function_call=notTraced-nonXla
        EagerExecute 21.1..21.9ms eager_op=__inference_infer_7
"""
FAST = {"duration_ns": 1_000_000_000, "stacks": "auto"}


@pytest.mark.tensorflow
def test_a_profiler_server_alone_gives_iterations_and_says_what_is_missing(tmp_path: Path) -> None:
    with python_loop("server") as address:
        done = subprocess.run(
            [sys.executable, "-m", "diag", "capture", "--server", address, "-o", "b"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "a Python loop that calls a model (<lambda>)" in said
    assert "Python functions not sampled: no stack sampler answers at the next port" in said
    assert "metrics" not in said
    assert "no-server" not in said
    loops = diag.analyze(diag.open_bundle(tmp_path / "b")).loops
    assert not isinstance(loops, diag.Unavailable)
    seconds = 2
    assert 0.5 * seconds / WAIT_S < loops.iterations.complete.sum() < seconds / WAIT_S


@pytest.mark.tensorflow
def test_an_attached_program_gives_its_stacks_as_well(tmp_path: Path) -> None:
    with python_loop("attach") as address:
        outcome = diag.capture_bundle(plan(address, **FAST), tmp_path / "b")
        again = diag.capture_bundle(plan(address, **FAST), tmp_path / "b2")
        without = diag.capture_bundle(plan(address, **(FAST | {"stacks": "off"})), tmp_path / "b3")
    for path in (outcome.path, again.path):
        analysis = diag.analyze(diag.open_bundle(path))
        assert isinstance(analysis.capture.stacks, StackSamples)
        assert not isinstance(analysis.loops, diag.Unavailable)
        functions = analysis.loops.functions
        assert not isinstance(functions, diag.Unavailable)
        assert functions[0].name == "wait_for_image"
        assert functions[0].cpu_ratio < 0.2
        assert analysis.loops.share(LoopStage.PREPROCESS) > 0.7
        period_s = analysis.capture.stacks.period_ns / 1e9
        seconds = np.ptp(analysis.capture.stacks.time_ns) / 1e9
        assert period_s == 0.005
        # From the first to the last reading within 1 s, either of which may come a few late.
        assert 1 - 10 * period_s <= seconds < 6, seconds
    assert manifest_of(without.path)["sources"]["stacks"]["detail"].startswith("switched off")
    assert "python-not-sampled" in {
        each.code for each in diag.analyze(diag.open_bundle(without.path)).caveats
    }


def get(server: StackServer, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.fixture(name="stacks")
def _stacks():
    server = StackServer("127.0.0.1", 0)
    server.start()
    yield server
    server.shutdown()
    server.server_close()


OURS = {"Diag-Stacks": "1"}


def test_a_stack_server_answers_diag_and_no_web_page(stacks: StackServer) -> None:
    status, body = get(stacks, "/diag/stacks", **OURS)
    assert status == 200
    assert json.loads(body)["pid"] > 0
    assert get(stacks, "/diag/stacks")[0] == 404
    assert get(stacks, "/", **OURS)[0] == 404
    for duration in ("0", "-5", "x", "600001", "9" * 400):
        assert get(stacks, f"/diag/stacks?duration_ms={duration}", **OURS)[0] == 400


def test_a_client_that_goes_away_ends_the_sampling(stacks: StackServer) -> None:
    before = sys.getswitchinterval()
    with socket.create_connection(("127.0.0.1", stacks.server_port), 5) as client:
        client.sendall(b"GET /diag/stacks?duration_ms=600000 HTTP/1.1\r\nDiag-Stacks: 1\r\n\r\n")
        deadline_s = time.monotonic() + 5
        while sys.getswitchinterval() == before:
            assert time.monotonic() < deadline_s
            time.sleep(0.005)
    assert get(stacks, "/diag/stacks", **OURS)[0] == 200  # the next one is served
    assert sys.getswitchinterval() == before


def test_a_client_that_sends_nothing_does_not_keep_the_server(stacks: StackServer) -> None:
    stacks.RequestHandlerClass.timeout = 0.2
    try:
        with socket.create_connection(("127.0.0.1", stacks.server_port), 5):
            assert get(stacks, "/diag/stacks", **OURS)[0] == 200
    finally:
        stacks.RequestHandlerClass.timeout = 5.0


def test_stacks_of_another_process_are_not_used(tmp_path: Path, stacks: StackServer) -> None:
    url = f"http://127.0.0.1:{stacks.server_port}/diag/stacks"
    with serving(lines=LOOP) as server:
        outcome = diag.capture_bundle(plan(server.address, stacks=url), tmp_path / "b")
    detail = manifest_of(outcome.path)["sources"]["stacks"]["detail"]
    assert "none of the sampled threads is in the trace" in detail


def test_a_port_with_another_service_is_no_stack_sampler(tmp_path: Path) -> None:
    with serving(lines=LOOP) as server, http_server({"/x": lambda: (200, b"[]")}) as url:
        wanted = plan(server.address, stacks=f"{url}/x")
        outcome = diag.capture_bundle(wanted, tmp_path / "b")
    detail = manifest_of(outcome.path)["sources"]["stacks"]["detail"]
    assert detail == f"{url}/x is no stack sampler"


def test_a_model_server_is_not_asked_for_stacks(tmp_path: Path) -> None:
    with serving(models={"m": {1: 30}}) as server:
        outcome = diag.capture_bundle(plan(server.address, models=("m",)), tmp_path / "b")
    assert "stacks" not in manifest_of(outcome.path)["sources"]


def test_ports_are_checked_before_anything_starts() -> None:
    with pytest.raises(diag.UsageError, match="`port` is 0"):
        diag.attach(0)
    with pytest.raises(diag.UsageError, match="`stacks_port` is 65536"):
        diag.attach(65535)


def test_a_port_of_another_process_is_refused() -> None:
    program = """
import sys, types
import diag
jax = types.ModuleType("jax")
jax.profiler = types.SimpleNamespace(start_server=lambda port: print("started", port))
sys.modules["jax"] = jax
for port in map(int, sys.argv[1:]):
    try:
        diag.attach(port)
    except diag.UsageError as error:
        print(error.message)
"""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", program, str(port), str(port - 1)],
            capture_output=True,
            text=True,
            check=True,
        )
    first, second = done.stdout.splitlines()
    assert first == f"port {port} is in use"
    assert second == f"the stack sampler cannot listen on 127.0.0.1:{port}"


def test_a_child_of_fork_leaves_the_port_to_its_parent() -> None:
    program = """
import os, signal, socket
from diag.inside.stack_server import StackServer
server = StackServer("127.0.0.1", 0)
forked, in_child = os.pipe()
child = os.fork()
if not child:
    os.write(in_child, b".")
    signal.pause()
os.read(forked, 1)
server.server_close()
try:
    socket.create_server(("127.0.0.1", server.server_port)).close()
finally:
    os.kill(child, 9)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_many_threads_are_sampled_without_the_servers_own(stacks: StackServer) -> None:
    ending = threading.Event()
    threads = [threading.Thread(target=ending.wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    status, body = get(stacks, "/diag/stacks?duration_ms=100", **OURS)
    ending.set()
    assert status == 200
    sampled = set(json.loads(body)["samples"]["thread_id"])
    assert {thread.ident for thread in threads} <= sampled
    own = {t.ident for t in threading.enumerate() if t.name in ("diag-stacks", "diag-sampler")}
    assert not own & sampled
