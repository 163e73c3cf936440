"""``diag demo``: a real server, real load, a capture of it, and a comparison with the truth."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

import diag
from diag.cli.capture_progress import choose_progress
from diag.cli.console import note, verbosity
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import examples, report_verbosity_options
from diag.cli.output import write_output
from diag.cli.quantities import Duration
from diag.cli.report_output import DEFAULT_FORMAT, render_report
from diag.demo.installed import check_installed
from diag.demo.scenario import Scenario
from diag.demo.scenarios import SCENARIOS
from diag.errors import DiagError, OutputError, RegressionError, UsageError

if TYPE_CHECKING:
    from diag.demo.processes import ServerAddress

DEFAULT_PORT, DEFAULT_HTTP_PORT = 8500, 8501
MIN_DURATION_NS, MAX_DURATION_NS = 500_000_000, 10_000_000_000

_scenario_options = option_group(
    "Scenario",
    option(
        "-s",
        "--scenario",
        "name",
        type=click.Choice(list(SCENARIOS)),
        default="slow-preprocess",
        show_default=True,
        metavar="NAME",
        help="Scenario to run: models, load and a planted cause. See --list.",
    ),
    option(
        "--list",
        "list_",
        is_flag=True,
        help="List the scenarios with the finding that each plants, and exit.",
    ),
    option(
        "-d",
        "--duration",
        type=Duration(),
        help="Length of the capture, 500ms to 10s. Default: the scenario's, 4s to 8s.",
    ),
)
_loop_option = option_group(
    "Scenario",
    option(
        "--close-the-loop",
        is_flag=True,
        help="Apply the first finding's change, restart the server, capture again and compare.",
    ),
)
_server_options = option_group(
    "Server",
    option(
        "--keep-serving",
        is_flag=True,
        help="Do not capture. Serve and send requests until Ctrl-C, for captures from elsewhere.",
    ),
    option(
        "--port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Port for gRPC; 0 picks a free one. Default: 8500, or a free one if it is taken.",
    ),
    option(
        "--http-port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Port for HTTP; 0 picks a free one. Default: 8501, or a free one if it is taken.",
    ),
)
_output_options = option_group(
    "Output",
    option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="Folder to write; it must be empty or not exist. Default: diag-TIME-demo-SCENARIO.",
    ),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag demo",
        "diag demo --scenario batch-timeout -o demo-output",
        "diag demo --scenario batch-timeout --close-the-loop",
        "diag demo --scenario one-batch-thread --keep-serving",
    ),
)
@_scenario_options
@_loop_option
@_server_options
@_output_options
@report_verbosity_options
def demo(
    name: str,
    list_: bool,
    duration: int | None,
    close_the_loop: bool,
    keep_serving: bool,
    port: int | None,
    http_port: int | None,
    output: Path | None,
) -> None:
    """Start a real server with a known problem, load it, capture it and diagnose it.

    The server runs real models on the TensorFlow runtime and speaks TensorFlow Serving's
    protocols. It listens on 127.0.0.1. Use it to try diag out, not on open networks.

    With --close-the-loop the exit status is 1 if the change made requests slower, or if the
    promised gain did not come.

    The exit status is 70 if diag and the server's own clocks disagree by more than a tenth of a
    request.
    """
    if list_:
        width = max(map(len, SCENARIOS))
        for each in SCENARIOS.values():
            click.echo(f"{each.name:<{width}}  {each.story} [{each.planted}]")
        return
    if duration is not None and not MIN_DURATION_NS <= duration <= MAX_DURATION_NS:
        raise click.BadParameter("a demo captures 500ms to 10s", param_hint="'--duration'")
    if close_the_loop and keep_serving:
        raise UsageError("--close-the-loop and --keep-serving contradict each other")
    check_installed()
    from diag.demo.listening_ports import choose_port

    scenario = SCENARIOS[name]
    ports = choose_port(port, DEFAULT_PORT), choose_port(http_port, DEFAULT_HTTP_PORT)
    folder = _make_folder(output or Path(f"diag-{_now()}-demo-{name}"))
    note(f"server.log, load.log and all results go to {folder}")
    if keep_serving:
        _keep_serving(scenario, folder, ports)
    elif close_the_loop:
        _close_the_loop(scenario, folder, ports, duration or 0)
    else:
        _diagnose(scenario, folder, ports, duration or 0)


def _diagnose(scenario: Scenario, folder: Path, ports: tuple[int, int], duration_ns: int) -> None:
    from diag.demo.diagnosis import diagnose
    from diag.demo.recording import RecordingOptions, record_scenario
    from diag.demo.tables import comparison_text, observer_text

    options = RecordingOptions(*ports, duration_ns=duration_ns)
    recorded = record_scenario(scenario, folder, options, choose_progress(verbosity()))
    note(f"analyzing {recorded.bundle}")
    analysis, comparison = diagnose(recorded)
    note(f"writing report.md, report.json and comparison.json to {folder}")
    for file, format_ in (("report.md", "md"), ("report.json", "json")):
        write_output(folder / file, render_report(analysis, format_, to_stdout=False))
    write_output(folder / "comparison.json", comparison.to_json())
    click.echo(render_report(analysis, DEFAULT_FORMAT, to_stdout=True))
    click.echo(comparison_text(comparison))
    click.echo(observer_text(recorded.phases))
    click.echo(
        f"Results are in {folder}: bundle/, report.md, report.json, truth.json, calls.csv\n"
        f"  diag analyze {recorded.bundle} --client-log {recorded.client_log}\n"
        f"  tensorboard --logdir {recorded.bundle}"
    )
    if comparison.is_gross:
        raise DiagError(
            f"diag and the truth disagree about {scenario.name} by more than a tenth of a request",
            hint="try again on a machine without other load; if it persists, report it with the "
            f"folder {folder}",
        )


def _close_the_loop(
    scenario: Scenario, folder: Path, ports: tuple[int, int], duration_ns: int
) -> None:
    from diag.demo.loop import close_loop, loop_text
    from diag.demo.recording import RecordingOptions

    options = RecordingOptions(*ports, duration_ns=duration_ns)
    loop = close_loop(scenario, folder, options, choose_progress(verbosity()))
    click.echo(loop_text(loop))
    if loop.comparison is not None:
        report = diag.build_comparison(loop.comparison)
        for file, format_ in (("comparison.md", "markdown"), ("comparison.json", "json")):
            write_output(folder / file, diag.render(report, format_))
        click.echo(f"Results are in {folder}: before/bundle, after/bundle, comparison.md")
    if loop.failure:
        raise RegressionError(
            loop.failure, hint="try again on a machine without other load, or with -d 10s"
        )


def _keep_serving(scenario: Scenario, folder: Path, ports: tuple[int, int]) -> None:
    from diag.demo.client_log import write_client_log
    from diag.demo.processes import DemoLoad, DemoServer
    from diag.demo.serving_loop import serve_until_interrupted

    ends = ("--port", str(ports[0]), "--http-port", str(ports[1]))
    options = (*ends, "--truth", str(folder / "truth.json"))
    progress = choose_progress(verbosity())
    progress.say("starting a server on the TensorFlow runtime (a few seconds)")
    with DemoServer.start(scenario, folder / "server.log", *options) as server:

        def invite() -> None:
            click.echo(
                f"serving {scenario.name} under load: {scenario.story}\n"
                f"in another shell:\n  {_capture_command(server.address)}\nCtrl-C ends it"
            )
            sys.stdout.flush()

        with DemoLoad.start(scenario, server.address, folder / "load.log") as load:
            serve_until_interrupted(server, folder / "server.log", invite)
            log = write_client_log(folder, load.stop())
        server.stop()
    progress.say(
        f"stopped; the truth about every request is in {folder / 'truth.json'}, the clients' log "
        f"in {log}"
    )


def _capture_command(address: ServerAddress) -> str:
    """The command that captures this server; the default ports are left out."""
    usual = f":{DEFAULT_PORT}", f":{DEFAULT_HTTP_PORT}"
    if address.grpc.endswith(usual[0]) and address.http.endswith(usual[1]):
        return f"diag capture localhost{usual[0]}"
    metrics = f"{address.http}/monitoring/prometheus/metrics"
    return f"diag capture {address.grpc} --metrics {metrics}"


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty", hint="name another folder with -o")
    except OSError as error:
        raise OutputError(f"could not make {folder}", cause=error.strerror or str(error)) from error
    return folder


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
