"""``diag demo``: a real server, real load, a capture of it, and the truth beside the verdict."""

from __future__ import annotations

import json
import socket
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diag.demo.installed import check_installed
from diag.demo.scenarios import SCENARIOS, Scenario
from diag.errors import DiagError, OutputError

if TYPE_CHECKING:
    from diag.demo.processes import ServerAddress

DEFAULT_PORT, DEFAULT_HTTP_PORT = 8500, 8501


@click.command(
    epilog="\b\nExamples:\n"
    "  diag demo\n"
    "  diag demo --scenario batch-timeout -o demo-output\n"
    "  diag demo --scenario one-batch-thread --keep-serving\n"
)
@click.option(
    "--scenario",
    "name",
    type=click.Choice(list(SCENARIOS)),
    default="slow-preprocess",
    show_default=True,
    help="What to serve and what to plant in it.",
)
@click.option("--list", "list_", is_flag=True, help="List the scenarios and what is planted.")
@click.option("--keep-serving", is_flag=True, help="Do not capture: serve and load until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), help="gRPC [8500, or a free one if taken].")
@click.option("--http-port", type=click.IntRange(0, 65535), help="HTTP [8501, or a free one].")
@click.option(
    "--duration", type=click.FloatRange(0.5, 10), metavar="SECONDS", help="Of the capture."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write [diag-<time>-demo-<scenario>].",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def demo(
    name: str,
    list_: bool,
    keep_serving: bool,
    port: int | None,
    http_port: int | None,
    duration: float | None,
    output: Path | None,
    quiet: bool,
) -> None:
    """Start a real server with a planted cause, load it, capture it and diagnose it.

    The server runs real models on the TensorFlow runtime and speaks TensorFlow Serving's
    protocols. It listens on 127.0.0.1; it is for trying diag out, not for open networks.
    """
    if list_:
        width = max(map(len, SCENARIOS))
        for each in SCENARIOS.values():
            click.echo(f"{each.name:<{width}}  {each.story} [{each.cause}]")
        return
    check_installed()
    scenario = SCENARIOS[name]
    ports = _port(port, DEFAULT_PORT), _port(http_port, DEFAULT_HTTP_PORT)
    folder = _make_folder(output or Path(f"diag-{_now()}-demo-{name}"))
    if keep_serving:
        _keep_serving(scenario, folder, ports, quiet=quiet)
    else:
        _diagnose(scenario, folder, ports, duration or 0.0, quiet=quiet)


class _Lines:
    """Progress as lines on stderr."""

    def say(self, text: str) -> None:
        sys.stderr.write(f"demo: {text}\n")
        sys.stderr.flush()

    def advance(self, done_ns: int, total_ns: int) -> None:
        """Nothing: a capture of seconds needs no bar."""

    def advanced(self) -> None:
        """Nothing."""


def _diagnose(
    scenario: Scenario, folder: Path, ports: tuple[int, int], duration_s: float, *, quiet: bool
) -> None:
    from diag.analysis import analyze
    from diag.capture.progress import NoProgress
    from diag.demo.comparison import compare
    from diag.demo.recording import RecordingOptions, record_scenario
    from diag.demo.tables import comparison_text, observer_text
    from diag.findings import conclude, find
    from diag.formats.source import open_bundle
    from diag.report.build import build_report
    from diag.report.json import render_json
    from diag.report.markdown import render_markdown
    from diag.report.text import render_text

    options = RecordingOptions(*ports, duration_s=duration_s)
    recording = record_scenario(scenario, folder, options, NoProgress() if quiet else _Lines())
    analysis = analyze(open_bundle(recording.bundle))
    findings = find(analysis)
    report = build_report(analysis, findings)
    comparison = compare(
        analysis,
        recording.truths,
        scenario=scenario,
        settings=recording.batcher(scenario.victim),
        verdict=conclude(analysis, findings).cause,
    )
    _write(folder / "report.md", render_markdown(report))
    _write(folder / "report.json", render_json(report))
    _write(folder / "comparison.json", json.dumps(comparison.as_record(), indent=1) + "\n")
    click.echo(render_text(report, color=sys.stdout.isatty(), width=100))
    click.echo(comparison_text(comparison))
    click.echo(observer_text(recording.phases))
    click.echo(
        f"everything is in {folder}: bundle/, report.md, report.json, truth.json, load.json\n"
        f"  diag analyze {recording.bundle}\n"
        f"  tensorboard --logdir {recording.bundle}"
    )
    if comparison.is_gross:
        raise DiagError(
            f"diag and the truth disagree about {scenario.name} by more than a tenth of a request",
            hint=f"report it with {folder}; on a machine busy with other work, try again",
        )


def _keep_serving(scenario: Scenario, folder: Path, ports: tuple[int, int], *, quiet: bool) -> None:
    from diag.capture.progress import NoProgress
    from diag.demo.processes import DemoLoad, DemoServer
    from diag.demo.serving_loop import serve_until_interrupted

    ends = ("--port", str(ports[0]), "--http-port", str(ports[1]))
    options = (*ends, "--truth", str(folder / "truth.json"))
    progress = NoProgress() if quiet else _Lines()
    progress.say("starting a server on the TensorFlow runtime (a few seconds) ...")
    with DemoServer.start(scenario, folder / "server.log", *options) as server:
        with DemoLoad.start(scenario, server.address, folder / "load.log"):
            click.echo(
                f"serving {scenario.name} under load: {scenario.story}\n"
                f"in another shell:\n  {_capture_command(server.address)}\nCtrl-C ends it"
            )
            sys.stdout.flush()
            serve_until_interrupted(server, folder / "server.log")
        server.stop()
    progress.say(f"stopped; what really happened is in {folder / 'truth.json'}")


def _capture_command(address: ServerAddress) -> str:
    """What to type; the usual ports need no saying."""
    usual = f":{DEFAULT_PORT}", f":{DEFAULT_HTTP_PORT}"
    if address.grpc.endswith(usual[0]) and address.http.endswith(usual[1]):
        return f"diag capture --server localhost{usual[0]}"
    metrics = f"{address.http}/monitoring/prometheus/metrics"
    return f"diag capture --server {address.grpc} --metrics {metrics}"


def _port(asked: int | None, default: int) -> int:
    """The port asked for; else the usual one, or 0 (any) if something else has it."""
    if asked is not None:
        return asked
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", default))
        except OSError:
            return 0
    return default


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty", hint="name another folder with -o")
    except OSError as error:
        raise OutputError(f"could not make {folder}", cause=error.strerror or str(error)) from error
    return folder


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"could not write {path}", cause=error.strerror or "") from error


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
