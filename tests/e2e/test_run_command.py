"""``diag run`` with real programs: what is recorded, and what the program keeps."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

import diag
from diag.model.stacks import StackSamples

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tensorflow

LOOP = """
import sys, threading, time
import tensorflow as tf
def fetch():
    time.sleep(0.02)
def compute(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
def loop(seconds):
    x, end = tf.ones((8, 8)), time.monotonic() + seconds
    while time.monotonic() < end:
        fetch(); compute(0.02); tf.matmul(x, x)
"""


def command(tmp_path: Path, program: str, *options: str) -> list[str]:
    script = tmp_path / "serve.py"
    script.write_text(LOOP + program)
    given = ("-o", "b.zip", "--warmup", "0", *(options or ("-d", "500ms")))
    return [
        sys.executable,
        "-m",
        "diag",
        "run",
        *given,
        "--",
        sys.executable,
        str(script),
        "SECRET",
    ]


def run(
    tmp_path: Path, program: str, *options: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(tmp_path, program, *options),
        cwd=tmp_path,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_loop_is_recorded_and_keeps_its_input_output_and_status(tmp_path: Path) -> None:
    done = run(tmp_path, "text = sys.stdin.read(); loop(8); print(text); sys.exit(3)", stdin="in")
    assert (done.returncode, done.stdout) == (3, "in\n"), done.stderr
    assert "next: diag analyze b.zip" in done.stderr
    capture = diag.open_bundle(tmp_path / "b.zip")
    assert capture.tracer_level == 2  # not what TensorFlow makes of the option
    stacks = capture.stacks
    assert isinstance(stacks, StackSamples)
    lines = {line.id for plane in capture.planes for line in plane.lines}
    assert set(stacks.line_id.tolist()) <= lines
    last = np.array([stacks.frames[stack[-1]].function for stack in stacks.stacks])
    weight = {
        name: stacks.weight[last[stacks.stack_id] == name].sum() / stacks.weight.sum()
        for name in ("fetch", "compute")
    }
    # Equal parts of the loop, one waiting and one holding the interpreter lock.
    assert weight["compute"] / weight["fetch"] == pytest.approx(1, abs=0.3)
    assert sum(weight.values()) > 0.5
    busy = {
        name: stacks.cpu_ns[(last[stacks.stack_id] == name) & (stacks.cpu_ns >= 0)].mean()
        for name in ("fetch", "compute")
    }
    assert busy["compute"] > 2 * busy["fetch"]
    assert b"SECRET" not in (tmp_path / "b.zip").read_bytes()
    assert "SECRET" not in str(capture.manifest)
    assert not isinstance(capture.host_samples, diag.Unavailable)


def test_a_program_that_raises_in_the_window_is_recorded_until_then(tmp_path: Path) -> None:
    done = run(tmp_path, "loop(7); raise ValueError('mine')", "-d", "60s")
    assert done.returncode == 1
    assert "ValueError: mine" in done.stderr
    capture = diag.open_bundle(tmp_path / "b.zip")
    assert 0 < capture.window.duration_ns < 8e9


@pytest.mark.parametrize(
    ("program", "status", "reason"),
    [
        ("time.sleep(2)", 0, "it ended before its work was seen to repeat"),
        (
            "import os; threading.Timer(7, os.kill, (os.getpid(), 9)).start(); loop(60)",
            137,
            "SIGKILL ended it before the data of the recording was written",
        ),
        (
            "tf.profiler.experimental.start('own'); loop(4); tf.profiler.experimental.stop()",
            0,
            "it profiles itself, which leaves no room for another recording",
        ),
    ],
)
def test_a_program_that_cannot_be_recorded_says_why_and_keeps_its_status(
    tmp_path: Path, program: str, status: int, reason: str
) -> None:
    done = run(tmp_path, program, "-d", "60s")
    assert done.returncode == status, done.stderr
    assert f"nothing recorded: {reason}" in done.stderr
    assert not (tmp_path / "b.zip").exists()


def test_a_forked_worker_is_recorded(tmp_path: Path) -> None:
    program = """
import os
child = os.fork()
if not child:
    loop(9)
    sys.exit(0)
print(child)
os.waitpid(child, 0)
"""
    done = run(tmp_path, program)
    assert done.returncode == 0
    manifest = diag.open_bundle(tmp_path / "b.zip").manifest
    assert isinstance(manifest, dict)
    assert manifest["target"]["address"] == f"process {done.stdout.strip()}"


def test_marks_of_the_program_are_in_its_trace(tmp_path: Path) -> None:
    program = """
import diag
marked = diag.stage("preprocess", size=3)(fetch)
end = time.monotonic() + 8
while time.monotonic() < end:
    with diag.request(user="7"):
        marked(); tf.constant(1) + 1
"""
    done = run(tmp_path, program)
    assert done.returncode == 0, done.stderr
    capture = diag.open_bundle(tmp_path / "b.zip")
    found = {
        name: (events.start_ns[rows], events.end_ns[rows])
        for name in ("diag.request", "diag.stage:preprocess")
        for events in (plane.events for plane in capture.planes)
        if len(rows := events.rows_named(name))
    }
    starts, ends = found["diag.stage:preprocess"]
    assert len(starts) > 10
    assert ends[0] - starts[0] >= 20_000_000
    assert abs(len(found["diag.request"][0]) - len(starts)) <= 1


def test_a_signal_reaches_the_programs_own_handler(tmp_path: Path) -> None:
    program = """
import signal
def end(number, frame):
    print("handled")
    sys.exit(5)
signal.signal(signal.SIGTERM, end)
loop(60)
"""
    with subprocess.Popen(
        command(tmp_path, program, "-d", "60s"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        said = ""
        while "recording process" not in said:
            said = running.stderr.readline()
            assert said
        time.sleep(0.5)
        running.send_signal(signal.SIGTERM)
        out, errors = running.communicate(timeout=60)
    assert (running.returncode, out) == (5, "handled\n")
    assert "next: diag analyze b.zip" in errors


def test_a_program_without_tensorflow_is_not_touched(tmp_path: Path) -> None:
    command_line = [sys.executable, "-c", "import sys; print(sorted(sys.modules))"]
    plain = subprocess.run(command_line, capture_output=True, text=True, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "diag", "run", "-o", "b.zip", "--", *command_line],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "nothing recorded: it ended before it imported TensorFlow or JAX" in done.stderr
    loaded = set(eval(done.stdout)) - set(eval(plain.stdout))
    assert not [name for name in loaded if name.split(".")[0] in ("diag", "numpy", "grpc")]


def test_a_program_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "diag", "run", "-o", "b.zip", "--", "./no-such-program"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "./no-such-program: cannot be started" in done.stderr
    assert list(tmp_path.iterdir()) == []
