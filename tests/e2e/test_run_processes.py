"""``diag run`` and processes that fork, end, or get signals while they are recorded.

TensorFlow is a stand-in of a few lines (tests/support/tensorflow_standin): what is tested is the
recorder inside the program and the launcher, with real processes, signals and files.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import diag
from diag.testing.xspace_builder import build_space

STANDIN = Path(__file__).parents[1] / "support" / "tensorflow_standin"
OPS = "\n".join(f"  EagerExecute {n}..{n + 1}ms eager_op=MatMul" for n in range(0, 60, 2))
RECORDING_S = 60
PROGRAM = """
import os, signal, sys, threading, time
import tensorflow
LOG = os.environ["STANDIN_LOG"]
def recording():
    '''Wait until the one long recording runs: two of 0.3 s and one of 0.2 s come before it.'''
    while not (os.path.exists(LOG) and open(LOG).read().count("start") >= 4):
        time.sleep(0.02)
    time.sleep(0.3)
"""


class Run:
    """One command in a folder of its own."""

    def __init__(self, folder: Path, trace: str = OPS) -> None:
        self.folder = folder
        (folder / "trace.pb").write_bytes(
            build_space(
                f"env profile_start_time={time.time_ns()}u\nplane /host:CPU\nline python\n{trace}"
            )
        )
        self.log = folder / "sessions"
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(STANDIN),
            "STANDIN_TRACE": str(folder / "trace.pb"),
            "STANDIN_LOG": str(self.log),
        }

    def command(self, *command: str, duration: str = f"{RECORDING_S}s") -> list[str]:
        given = ("-o", "b.zip", "--warmup", "0", "-d", duration)
        return [sys.executable, "-m", "diag", "run", *given, "--", *command]

    def script(self, program: str) -> str:
        path = self.folder / "serve.py"
        path.write_text(PROGRAM + program)
        return str(path)

    def __call__(self, program: str, **options: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, self.script(program), **options)

    def run(self, *command: str, **options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*command, **options),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=50,
        )

    def signalled(self, program: str, number: int) -> tuple[int, str, str]:
        """Status, output and errors; the signal is sent to diag once the recording runs."""
        with subprocess.Popen(
            self.command(sys.executable, self.script(program)),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # without a terminal, as in a container
        ) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == "recording\n"
            running.send_signal(number)
            out, errors = running.communicate(timeout=50)
        return running.returncode, out, errors

    def sessions(self) -> list[tuple[int, str]]:
        """Process and call, in order."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [(int(pid), what) for pid, what in lines]

    def recorded_process(self) -> int:
        manifest = diag.open_bundle(self.folder / "b.zip").manifest
        assert isinstance(manifest, dict)
        found = re.fullmatch(r"process (\d+)", manifest["target"]["address"])
        assert found is not None
        return int(found[1])


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("os._exit(7)", 7),
        ("sys.exit(6)", 6),
        ("raise KeyError(1)", 1),
        ("threading.Thread(target=lambda: (time.sleep(0.2), os._exit(5))).start()", 5),
    ],
)
def test_a_program_that_ends_in_the_window_is_recorded_until_then(
    run: Run, end: str, status: int
) -> None:
    done = run(f"recording(); {end}")
    assert done.returncode == status, done.stderr
    assert "wrote" in done.stderr
    assert run.recorded_process() > 0


HOLD = "recording(); print('recording', flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_to_diag_ends_the_program_and_keeps_the_recording(
    run: Run, number: int, status: int
) -> None:
    code, _, errors = run.signalled(HOLD, number)
    assert code == status, errors
    assert "wrote" in errors
    assert run.recorded_process() > 0


def test_a_second_signal_does_not_wait_for_the_recording(run: Run) -> None:
    program = """
recording()
tensorflow.profiler_v2.ProfilerSession.export_to_tb = lambda session: time.sleep(30)
print("recording", flush=True)
time.sleep(1)
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(60)
"""
    begun_s = time.monotonic()
    code, _, errors = run.signalled(program, signal.SIGTERM)
    assert code == 143, errors
    assert "SIGTERM ended it before the data of the recording was written" in errors
    assert time.monotonic() - begun_s < 25


def test_a_signal_that_the_program_gets_itself_loses_the_recording_and_says_so(run: Run) -> None:
    done = run("recording(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)")
    assert done.returncode == 143
    assert (
        "nothing recorded: SIGTERM ended it before the data of the recording was written"
        in done.stderr
    )


def test_a_program_that_ends_begins_no_other_recording(tmp_path: Path) -> None:
    """A request comes while the program does not let go of Python's lock, and then ends."""
    program = """
import atexit
atexit.register(time.sleep, 1)  # registered before the recorder's end, so called after it
import tensorflow
while not os.path.exists(LOG):
    time.sleep(0.01)
os.kill(os.getppid(), signal.SIGSTOP)
time.sleep(1)  # the recording of 0.3 s ends
print(len(open(LOG).read().splitlines()), flush=True)
sys.setswitchinterval(60)
os.kill(os.getppid(), signal.SIGCONT)
end = time.monotonic() + 1
while time.monotonic() < end:
    pass
"""
    run = Run(tmp_path, trace="  something 1..2ms")
    script = tmp_path / "serve.py"
    script.write_text(PROGRAM.replace("import tensorflow\n", "") + program)
    done = run.run(sys.executable, str(script))
    assert done.returncode == 0, done.stderr
    assert len(run.sessions()) == int(done.stdout)


def test_a_program_goes_on_when_diag_is_killed(run: Run) -> None:
    program = """
recording()
os.kill(os.getppid(), signal.SIGKILL)
while open(LOG).read().count("export") < 4:
    time.sleep(0.02)
open("served", "w").close()
"""
    run.environment["TMPDIR"] = str(run.folder)  # nobody is left to remove the folder
    assert run(program).returncode == -signal.SIGKILL
    served, until_s = run.folder / "served", time.monotonic() + 20
    while not served.exists():
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_a_child_of_fork_ends_the_parents_session_and_writes_nothing(run: Run) -> None:
    program = """
recording()
children = []
for leave in (os._exit, sys.exit):
    child = os.fork()
    if not child:
        leave(0)
    children.append(child)
print(os.getpid(), *children, *[os.waitpid(child, 0)[1] for child in children])
"""
    done = run(program)
    assert done.returncode == 0, done.stderr
    parent, first, second, *statuses = map(int, done.stdout.split())
    assert statuses == [0, 0]
    assert run.recorded_process() == parent
    sessions = run.sessions()
    assert [what for pid, what in sessions if pid == first] == ["stop"]
    assert [what for pid, what in sessions if pid == second] == ["stop"]
    assert sessions.count((parent, "export")) == 4
    assert (parent, "stop") not in sessions


def test_children_after_the_recording_are_not_kept_waiting(run: Run) -> None:
    program = """
recording()
time.sleep(1.5)
begun = time.monotonic()
for _ in range(100):
    child = os.fork()
    if not child:
        time.sleep(0.01)
        sys.exit(0)
    os.waitpid(child, 0)
print(time.monotonic() - begun)
"""
    done = run(program, duration="500ms")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 15  # a recorder that waits for the launcher would take 5 s each


def test_a_spawned_worker_is_recorded(run: Run) -> None:
    (run.folder / "served.py").write_text(PROGRAM)
    program = """
import multiprocessing, os, time
def work():
    import served
    served.recording(); print(os.getpid(), flush=True); time.sleep(1.5)
if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work)
    worker.start(); worker.join(); raise SystemExit(worker.exitcode)
"""
    (run.folder / "serve.py").write_text(program)
    done = run.run(sys.executable, str(run.folder / "serve.py"), duration="500ms")
    assert done.returncode == 0, done.stderr
    assert run.recorded_process() == int(done.stdout)


def test_modules_and_console_scripts_are_recorded(run: Run) -> None:
    (run.folder / "served.py").write_text(PROGRAM + "recording(); time.sleep(1.5)")
    done = run.run(sys.executable, "-m", "served", duration="500ms")
    assert "wrote" in done.stderr, done.stderr
    run.log.unlink()
    (run.folder / "b.zip").unlink()
    script = run.folder / "myserver"
    script.write_text(f"#!{sys.executable}\nimport served\n")
    script.chmod(0o755)
    done = run.run(str(script), duration="500ms")
    assert "myserver goes on" in done.stderr, done.stderr


def test_a_jax_program_is_recorded_by_jax_itself(tmp_path: Path) -> None:
    calls = "\n".join(f"  PjitFunction(infer) {n}..{n + 1}ms" for n in range(0, 60, 2))
    run = Run(tmp_path, trace=calls)
    (tmp_path / "serve.py").write_text("import time, jax; time.sleep(5)")
    done = run.run(sys.executable, "serve.py", duration="500ms")
    assert "JAX 0.standin in process" in done.stderr
    assert "wrote" in done.stderr, done.stderr
    loops = diag.analyze(diag.open_bundle(tmp_path / "b.zip")).loops
    assert not isinstance(loops, diag.Unavailable)
    assert [thread.call for thread in loops.iterations.threads] == ["infer"]


def test_a_program_that_never_calls_a_model_says_so(tmp_path: Path) -> None:
    done = Run(tmp_path, trace="  something 1..2ms")("time.sleep(2)")
    assert "nothing recorded: it ended before its work was seen to repeat" in done.stderr
    assert not (tmp_path / "b.zip").exists()


def test_a_recorder_that_fails_says_why_and_lets_the_program_go_on(run: Run) -> None:
    run.environment["STANDIN_FAILS"] = "1"
    done = run("time.sleep(2); print('served')")
    assert (done.returncode, done.stdout) == (0, "served\n"), done.stderr
    assert "its recorder failed (OSError: [Errno 28] No space left on device)" in done.stderr


def test_a_folder_for_temporary_files_with_a_long_path_is_a_usage_error(run: Run) -> None:
    long = run.folder / ("x" * 120)
    long.mkdir()
    run.environment["TMPDIR"] = str(long)
    done = run("print('not run')")
    assert (done.returncode, done.stdout) == (2, "")
    assert "set TMPDIR to a folder with a short path" in done.stderr
