"""Record one scenario: start the server and the load, capture, collect the truth."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import diag
from diag.demo.client_log import write_client_log
from diag.demo.observer import Phase, observe
from diag.demo.processes import DemoLoad, DemoServer
from diag.demo.replay import BatcherSettings, settings_from_facts
from diag.demo.truth import RequestTruth, read_truth

if TYPE_CHECKING:
    from pathlib import Path

    from diag.capture.progress import Progress
    from diag.demo.load import ClientCall
    from diag.demo.scenario import Scenario

SETTLE_S = 1.0  # connections and first batches, left out of the latency before the capture
BEFORE_S = 3.0
AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """How to record a scenario.

    Attributes:
        port: Port for gRPC; 0 picks a free one.
        http_port: Port for HTTP; 0 picks a free one.
        duration_ns: Length of the capture; 0 takes the scenario's.
        tracer_level: Host tracer level of the profiler, 1 to 3.
        server_options: Further options of ``python -m diag.demo.serve``.
        before_s: Load before the capture, once it has settled.
        after_s: Load after it. Both are for the clients' latency around the capture.
    """

    port: int = 0
    http_port: int = 0
    duration_ns: int = 0
    tracer_level: int = 2
    server_options: tuple[str, ...] = ()
    before_s: float = BEFORE_S
    after_s: float = AFTER_S


@dataclass(frozen=True, slots=True)
class RecordedScenario:
    """A recorded scenario, after its processes have ended.

    Attributes:
        scenario: The scenario.
        bundle: Path of the bundle.
        phases: Clients' latency before, during and after the capture.
        facts: Facts about the scenario, from truth.json.
        truths: The truth about every request.
        client_log: Path of the clients' log, for ``diag analyze --client-log``.
    """

    scenario: Scenario
    bundle: Path
    phases: tuple[Phase, ...]
    facts: dict[str, Any]
    truths: tuple[RequestTruth, ...]
    client_log: Path

    def batcher(self, model: str) -> BatcherSettings | None:
        """Parameters of a model's queue; None if the model is not batched."""
        return settings_from_facts(self.facts, model)


def record_scenario(
    scenario: Scenario, folder: Path, options: RecordingOptions, progress: Progress
) -> RecordedScenario:
    """Serve a scenario, send its load and capture it; ends its processes in any case.

    Args:
        scenario: The scenario.
        folder: An existing folder for the bundle (``bundle/``), truth.json, load.json, calls.csv
            and logs.
        options: Ports, length and tracer level.
        progress: Receives progress messages.

    Raises:
        UsageError: TensorFlow is not installed, or the options contradict the plan's limits.
        CaptureError: The server did not start or could not be captured.
        OutputError: The folder cannot be written.
        KeyboardInterrupt: Ctrl-C; a recording that had begun is kept in ``bundle/``.
    """
    progress.say(f"scenario {scenario.name}: {scenario.story}")
    progress.say("starting a server on the TensorFlow runtime (a few seconds)")
    truth_path = folder / "truth.json"
    ports = ("--port", str(options.port), "--http-port", str(options.http_port))
    more = ("--truth", str(truth_path), *ports, *options.server_options)
    with DemoServer.start(scenario, folder / "server.log", *more) as server:
        progress.say(
            f"the server listens on {server.address.grpc} (gRPC) and {server.address.http}"
        )
        with DemoLoad.start(scenario, server.address, folder / "load.log") as load:
            watch = _Watch(progress, load, options)
            settled_s = SETTLE_S + options.before_s
            progress.say(f"sending requests for {settled_s:g} s before the capture")
            time.sleep(settled_s)
            plan = diag.CapturePlan(
                server=server.address.grpc,
                duration_ns=options.duration_ns or scenario.duration_ns,
                host_tracer_level=options.tracer_level,
                metrics=f"{server.address.http}/monitoring/prometheus/metrics",
                models=tuple(model.name for model in scenario.models),
            )
            outcome = diag.capture_bundle(
                plan, folder / "bundle", progress=watch, observer=watch.finish
            )
            if outcome.interrupted:
                raise KeyboardInterrupt  # the bundle is kept, the demo is over
        progress.say("stopping the server")
        server.stop()
    facts, truths = read_truth(truth_path)
    _write_load(folder / "load.json", watch)
    log = write_client_log(folder, watch.calls)
    return RecordedScenario(scenario, outcome.path, watch.phases(), facts, truths, log)


class _Watch:
    """Forward progress, note when the recording ran, and end the load after it."""

    def __init__(self, progress: Progress, load: DemoLoad, options: RecordingOptions) -> None:
        self._progress = progress
        self._load = load
        self._options = options
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
        """Wait for some latency after the capture, end the load, and return the observer effect."""
        self._progress.say(f"sending requests for {self._options.after_s:g} s after the capture")
        time.sleep(self._options.after_s)
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
            before=(settled, settled + round(self._options.before_s * 1e9)),
            during=self._recording,
            after=(self._recording[1], self._ended_unix_ns),
        )


def _write_load(path: Path, watch: _Watch) -> None:
    record = {
        "phases": {phase.name: phase.as_record() for phase in watch.phases()},
        "calls": [asdict(call) for call in watch.calls],
    }
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
