"""One scenario from beginning to end: server, load, capture, truth."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from diag.capture.plan import CapturePlan
from diag.capture.session import capture_bundle
from diag.demo.observer import Phase, observe
from diag.demo.processes import DemoLoad, DemoServer
from diag.demo.replay import QueueRules
from diag.demo.truth import RequestTruth, read_truth

if TYPE_CHECKING:
    from pathlib import Path

    from diag.capture.progress import Progress
    from diag.demo.load import ClientCall
    from diag.demo.scenarios import Scenario

SETTLE_S = 1.0  # connections, first batches: not counted
BEFORE_S = 3.0
AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """How to record a scenario.

    Attributes:
        port: gRPC; 0 picks a free one.
        http_port: HTTP; 0 picks a free one.
        duration_s: Of the capture; 0 takes the scenario's.
        tracer_level: Of the profiler, 1 to 3.
    """

    port: int = 0
    http_port: int = 0
    duration_s: float = 0.0
    tracer_level: int = 2


@dataclass(frozen=True, slots=True)
class RecordedScenario:
    """What is left of a scenario once its processes have ended.

    Attributes:
        bundle: What ``diag analyze`` takes.
        phases: The clients' latency before, during and after the capture.
        facts: About the scenario, from truth.json.
        truths: Every request.
    """

    scenario: Scenario
    bundle: Path
    phases: tuple[Phase, Phase, Phase]
    facts: dict[str, Any]
    truths: tuple[RequestTruth, ...]

    def rules(self, model: str) -> QueueRules | None:
        """The settings of a model's queue, None if it is not batched."""
        batching = self.facts["batching"][model]
        if batching is None:
            return None
        return QueueRules(
            batching["max_execution_batch_size"],
            batching["batch_timeout_micros"] * 1000,
            batching["num_batch_threads"],
        )


def record_scenario(
    scenario: Scenario, folder: Path, options: RecordingOptions, progress: Progress
) -> RecordedScenario:
    """Serves, loads and captures a scenario; leaves no process behind, however it ends.

    Args:
        scenario: What to do.
        folder: An existing folder for the bundle (``bundle/``), truth.json, load.json and logs.
        options: Ports and limits.
        progress: Told what happens.

    Raises:
        UsageError: TensorFlow is not installed, or the options contradict the plan's limits.
        CaptureError: The server did not start or could not be captured.
        OutputError: The folder cannot be written.
        KeyboardInterrupt: Ctrl-C; a recording that had begun is kept in ``bundle/``.
    """
    progress.say(f"scenario {scenario.name}: {scenario.story}")
    progress.say("starting a server on the TensorFlow runtime (a few seconds) ...")
    truth_path = folder / "truth.json"
    ports = ("--port", str(options.port), "--http-port", str(options.http_port))
    with DemoServer.start(
        scenario, folder / "server.log", "--truth", str(truth_path), *ports
    ) as server:
        progress.say(f"it serves gRPC on {server.address.grpc} and HTTP on {server.address.http}")
        with DemoLoad.start(scenario, server.address, folder / "load.log") as load:
            watch = _Watch(progress, load)
            progress.say(f"sending requests for {SETTLE_S + BEFORE_S:g} s before the capture ...")
            time.sleep(SETTLE_S + BEFORE_S)
            plan = CapturePlan(
                server=server.address.grpc,
                duration_ns=round((options.duration_s or scenario.duration_s) * 1e9),
                host_tracer_level=options.tracer_level,
                metrics=f"{server.address.http}/monitoring/prometheus/metrics",
                models=tuple(model.name for model in scenario.models),
            )
            outcome = capture_bundle(plan, folder / "bundle", progress=watch, observer=watch.finish)
            if outcome.interrupted:
                raise KeyboardInterrupt  # the bundle is kept, the demo is over
        progress.say("stopping the server ...")
        server.stop()
    facts, truths = read_truth(truth_path)
    _write_load(folder / "load.json", watch)
    return RecordedScenario(scenario, outcome.path, watch.phases(), facts, truths)


class _Watch:
    """Passes progress on, notes when the recording ran, and ends the load after it."""

    def __init__(self, progress: Progress, load: DemoLoad) -> None:
        self._progress = progress
        self._load = load
        self._begun_unix_ns = time.time_ns()
        self._recording = (0, 0)
        self._ended_unix_ns = 0
        self.calls: list[ClientCall] = []

    def say(self, text: str) -> None:
        self._progress.say(text)

    def advance(self, done_ns: int, total_ns: int) -> None:
        start, _ = self._recording
        now = time.time_ns()
        self._recording = (start or now - done_ns, now)
        self._progress.advance(done_ns, total_ns)

    def advanced(self) -> None:
        self._recording = (self._recording[0], time.time_ns())
        self._progress.advanced()

    def finish(self) -> dict[str, Any]:
        """The observer effect, once there has been time to see the latency afterwards."""
        self._progress.say(f"sending requests for {AFTER_S:g} s after it ...")
        time.sleep(AFTER_S)
        self._ended_unix_ns = time.time_ns()
        self.calls = self._load.stop()
        return {
            "what": "latency by the load generator's clock, from due time to answer",
            **{phase.name: phase.as_record() for phase in self.phases()},
        }

    def phases(self) -> tuple[Phase, Phase, Phase]:
        settled = self._begun_unix_ns + round(SETTLE_S * 1e9)
        return observe(
            self.calls,
            before=(settled, settled + round(BEFORE_S * 1e9)),
            during=self._recording,
            after=(self._recording[1], self._ended_unix_ns),
        )


def _write_load(path: Path, watch: _Watch) -> None:
    record = {
        "phases": {phase.name: phase.as_record() for phase in watch.phases()},
        "calls": [asdict(call) for call in watch.calls],
    }
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
