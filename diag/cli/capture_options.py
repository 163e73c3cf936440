"""The options of ``diag capture``, grouped as its help shows them."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

import diag
from diag.cli.fail_on import fail_on_option
from diag.cli.option_groups import argument, option, option_group
from diag.cli.quantities import Duration, Size
from diag.cli.report_output import format_option, summary_option
from diag.errors import UsageError

SERVER_VARIABLE = "DIAG_SERVER"

_PATH = click.Path(path_type=Path)


def _split_commas(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    """``--require gpu,metrics`` and ``--require gpu --require metrics`` are the same."""
    names = (name.strip() for value in values for name in value.split(","))
    return frozenset(name for name in names if name)


def _complete_sources(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The sources that can follow what was typed, and are not in it yet."""
    typed, comma, begun = incomplete.rpartition(",")
    return [
        CompletionItem(f"{typed}{comma}{name}")
        for name in diag.REQUIRABLE
        if name.startswith(begun) and name not in typed.split(",")
    ]


_ADDRESS = (
    argument("address", required=False, metavar="[HOST:PORT]"),
    option(
        "-s",
        "--server",
        metavar="HOST:PORT",
        envvar=SERVER_VARIABLE,
        show_envvar=True,
        help="Address of the server's gRPC port, or unix:/path. Same as the argument HOST:PORT.",
    ),
)
address_options = option_group("Server", *_ADDRESS)
server_options = option_group(
    "Server",
    *_ADDRESS,
    option(
        "--timeout",
        type=Duration(),
        default="10s",
        show_default=True,
        help="Time allowed for each call to the server, except for the recording.",
    ),
    option("--wait-for-traffic", is_flag=True, help="Start recording when requests arrive."),
    option(
        "--wait-limit",
        type=Duration(),
        default="5m",
        show_default=True,
        help="Longest time to wait for traffic.",
    ),
)

recording_options = option_group(
    "Recording",
    option(
        "-d",
        "--duration",
        type=Duration(),
        default="2s",
        show_default=True,
        help="Length of the recording: 500ms, 2s, or a number of seconds.",
    ),
    option(
        "--allow-long",
        is_flag=True,
        help="Allow more than 10 s. Long recordings can exhaust the server's memory.",
    ),
    option(
        "--host-tracer-level",
        type=int,
        metavar="1|2|3",
        default=2,
        show_default=True,
        help="Detail of the CPU trace. 1: batches only; 2: also requests and executors; "
        "3: every op.",
    ),
    option("--no-device-trace", is_flag=True, help="Do not trace GPUs."),
    option(
        "--no-warmup",
        is_flag=True,
        help="Skip the short warm-up recording, which predicts the size of the trace.",
    ),
    option(
        "--max-bytes",
        type=Size(),
        default="512MB",
        show_default=True,
        help="Refuse to record if the trace is predicted to be larger.",
    ),
    option(
        "--collect-timeout",
        type=Duration(),
        default="1m",
        show_default=True,
        help="Time allowed for the server to send the trace after the recording.",
    ),
)

other_source_options = option_group(
    "Other sources",
    option(
        "--metrics",
        metavar="URL|auto|off",
        default="auto",
        show_default=True,
        help="Prometheus page of the server. auto: try port 8501 and use the page if its models "
        "are the server's.",
    ),
    option(
        "--dcgm",
        metavar="URL",
        default="",
        help="Metrics page of a DCGM exporter, for example http://node:9400/metrics.",
    ),
    option(
        "--stacks",
        metavar="URL|auto|off",
        default="auto",
        show_default=True,
        help="Stack sampler of a Python program with diag.attach(). auto: look at the port after "
        "the profiler's.",
    ),
    option(
        "--gpu-rate",
        type=int,
        default=20,
        show_default=True,
        metavar="HZ",
        help="GPU samples per second, 1 to 100.",
    ),
    option(
        "--no-probe",
        is_flag=True,
        help="Make no status calls during the recording. Their latency shows waits for gRPC "
        "threads and the network.",
    ),
    option(
        "--model",
        multiple=True,
        metavar="NAME",
        help="Also record the status of this model. Can be given several times.",
    ),
    option(
        "--require",
        multiple=True,
        metavar="SOURCES",
        callback=_split_commas,
        shell_complete=_complete_sources,
        help="Fail with exit status 6 if one of these is missing: gpu, dcgm, metrics, host, "
        "server, device-trace. Separate several with commas.",
    ),
)

agent_options = option_group(
    "Server on another machine",
    option(
        "--agent",
        default="",
        metavar="HOST:PORT",
        help="Address of a diag agent on the server's machine, which samples its CPU and GPUs.",
    ),
    option(
        "--agent-ca-cert",
        type=_PATH,
        metavar="PEM",
        help="Certificate authority that signed the agent's certificate.",
    ),
    option(
        "--agent-client-cert",
        type=_PATH,
        metavar="PEM",
        help="Client certificate, if the agent requires one.",
    ),
    option(
        "--agent-client-key", type=_PATH, metavar="PEM", help="Private key of that certificate."
    ),
    option(
        "--agent-token-file",
        type=_PATH,
        metavar="FILE",
        help="File with the agent's token. Without it, the variable DIAG_AGENT_TOKEN is used.",
    ),
)

tls_parameters = (
    option(
        "--tls", is_flag=True, help="Connect with TLS. Implied by the certificate options below."
    ),
    option(
        "--ca-cert",
        type=_PATH,
        metavar="PEM",
        help="Certificate authority that signed the server's certificate.",
    ),
    option("--client-cert", type=_PATH, metavar="PEM", help="Client certificate, for mutual TLS."),
    option("--client-key", type=_PATH, metavar="PEM", help="Private key of that certificate."),
    option(
        "--authority",
        default="",
        metavar="NAME",
        help="Server name to send and to expect in the certificate, instead of the host's.",
    ),
)
security_options = option_group(
    "Security",
    *tls_parameters,
    option(
        "--headers-file",
        type=_PATH,
        metavar="FILE",
        help="File with gRPC metadata, one 'name: value' per line. Without it, the variable "
        "DIAG_HEADERS is used.",
    ),
)

old_server_options = option_group(
    "Servers older than TensorFlow 2.21",
    option(
        "--repository-root",
        metavar="DIR",
        help="Folder for the trace, as the server sees it. These servers write it to disk.",
    ),
    option(
        "--repository-local",
        type=_PATH,
        metavar="DIR",
        help="The same folder, as this machine sees it.",
    ),
)

bundle_options = option_group(
    "Output",
    option(
        "-o",
        "--output",
        type=_PATH,
        help="Bundle to write: a folder, or a file if the name ends in .zip. '-' writes a zip to "
        "stdout instead of the report. Default: diag-<UTC time>.",
    ),
    option("--force", is_flag=True, help="Replace the bundle and the page if they exist."),
    option("--html", type=_PATH, help="File to write the report to as well, as one HTML page."),
    format_option("Format of the report on stdout. Default: text."),
    summary_option,
    fail_on_option,
)


def server_address(address: str | None, server: str | None, *, is_server_typed: bool) -> str:
    """The one server that was named.

    Args:
        address: The argument HOST:PORT.
        server: The option ``--server`` or the variable DIAG_SERVER.
        is_server_typed: Whether ``server`` is from the command line, not from the variable.

    Raises:
        UsageError: None was named, or two different ones.
    """
    if address and is_server_typed and server != address:
        raise UsageError(
            f"two servers are named: {address} and --server {server}",
            hint="name one of them",
        )
    found = address or server
    if not found:
        raise UsageError(
            "no server is named",
            hint=f"name it, or set the variable {SERVER_VARIABLE}:",
            retry={"server": "localhost:8500"},
        )
    return found
