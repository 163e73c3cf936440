"""One scenario recorded: server, load, neighbour and ``diag capture``, all processes of ours."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from diag.demo.child import Child
from diag.demo.load import LoadOrder, StreamOrder
from tests.gpu.server import MODEL_NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gpu.scenarios import Platform, Scenario

START_TIMEOUT_S = 240.0  # compiling for a GPU takes its time
SETTLE_S = 1.0
CAPTURE_TIMEOUT_S = 120.0
# What a repository can carry of each recording.
BUNDLE_MAX_BYTES = 2_000_000
BUNDLE, TRUTH, PARAMETERS = "bundle.zip", "truth.json", "batching_parameters.txt"
_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "2"}


class RecordingError(Exception):
    """A process of the recording failed; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a capture was made.

    Attributes:
        seconds: Its length.
        tracer_level: 1 drops the runtime's own events; the annotations of the server stay.
    """

    seconds: float
    tracer_level: int

    def __str__(self) -> str:
        return f"{self.seconds:g} s at host tracer level {self.tracer_level}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is left in a scenario's folder: the bundle, the truth and the batching parameters.

    Attributes:
        device: As JAX names it.
    """

    scenario: Scenario
    folder: Path
    device: str

    @property
    def bundle(self) -> Path:
        """What ``diag analyze`` takes."""
        return self.folder / BUNDLE

    @property
    def bundle_bytes(self) -> int:
        """Its size."""
        return self.bundle.stat().st_size


def attempts_for(seconds: float) -> list[Attempt]:
    """What is tried, in order, until the bundle is small enough."""
    shorter = [Attempt(seconds / part, 1) for part in (1, 2, 4, 8, 16)]
    return [Attempt(seconds, 2), *shorter]


def record(
    scenario: Scenario,
    folder: Path,
    platform: Platform,
    seconds: float,
    say: Callable[[str], None],
    bundle_max_bytes: int = BUNDLE_MAX_BYTES,
) -> Recorded:
    """Serves, loads and captures a scenario; leaves no process behind, however it ends.

    Args:
        scenario: What to do.
        folder: An existing folder for the results.
        platform: What JAX computes on.
        seconds: Length of the first capture tried.
        say: Told what happens.
        bundle_max_bytes: Captures grow smaller until one is at most this; the last one is kept.

    Raises:
        RecordingError: The server or the load did not start, or the capture failed.
    """
    (folder / PARAMETERS).write_text(scenario.batching, encoding="utf-8")
    with ExitStack() as ending:
        work = ending.enter_context(TemporaryDirectory(prefix="diag-gpu-"))
        options = ["--scenario", scenario.name, "--platform", platform, "--work", work]
        server = _start(
            ending,
            "tests.gpu.server",
            [*options, "--truth", str(folder / TRUTH)],
            folder / "server.log",
        )
        ready = _ready(server, "the server")
        if scenario.neighbour:
            log = folder / "neighbour.log"
            other = _start(ending, "tests.gpu.neighbour", ["--platform", platform], log)
            _line(other, "the neighbour")
        load = _start(ending, "diag.demo.load", [], folder / "load.log")
        stream = StreamOrder(MODEL_NAME, tuple(ready["payloads"]), scenario.arrivals)
        load.send(LoadOrder(ready["grpc"], (stream,), deadline_s=20).to_json())
        _line(load, "the load")
        time.sleep(SETTLE_S)
        for attempt in attempts_for(seconds):
            _capture(ready["profiler"], folder, attempt)
            size = (folder / BUNDLE).stat().st_size
            say(f"{scenario.name}: {attempt} made {size / 1e6:.2f} MB")
            if size <= bundle_max_bytes:
                break
        load.finish()
        server.finish()
    if not (folder / TRUTH).exists():
        raise RecordingError(f"the server wrote no truth: {server.last_words()}")
    return Recorded(scenario, folder, ready["device"])


def _start(ending: ExitStack, module: str, arguments: list[str], log: Path) -> Child:
    child = Child(module, arguments, log, _ENVIRONMENT)
    ending.callback(child.end)
    return child


def _line(child: Child, what: str) -> bytes:
    line = child.read_line(START_TIMEOUT_S)
    if not line:
        raise RecordingError(f"{what} did not start: {child.last_words()}")
    return line


def _ready(child: Child, what: str) -> dict[str, Any]:
    ready: dict[str, Any] = json.loads(_line(child, what))
    return ready


def _capture(server: str, folder: Path, attempt: Attempt) -> None:
    command = [sys.executable, "-m", "diag", "capture", "--server", server]
    command += ["--duration", f"{attempt.seconds:g}s", "--metrics", "off"]
    command += ["--host-tracer-level", str(attempt.tracer_level)]
    command += ["--batching-parameters", str(folder / PARAMETERS)]
    command += ["--output", str(folder / BUNDLE), "--force"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CAPTURE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RecordingError(f"diag capture took longer than {CAPTURE_TIMEOUT_S:g} s") from error
    (folder / "report.txt").write_text(done.stdout, encoding="utf-8")
    (folder / "capture.log").write_text(done.stderr, encoding="utf-8")
    if done.returncode:
        raise RecordingError(f"diag capture ended with {done.returncode}: {done.stderr.strip()}")
