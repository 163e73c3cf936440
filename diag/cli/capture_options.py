"""The options of ``diag capture``, grouped as its help shows them."""

from __future__ import annotations

from pathlib import Path

import click

from diag.cli.option_groups import option, option_group
from diag.cli.quantities import Duration, Size

_PATH = click.Path(path_type=Path)
# As diag.capture.plan.REQUIRABLE; a test compares them.
SOURCES = ("gpu", "dcgm", "metrics", "host", "server", "device-trace")


def _split_sources(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    """``--require gpu,metrics`` and ``--require gpu --require metrics`` are the same."""
    names = {name.strip() for value in values for name in value.split(",")}
    for name in sorted(names - set(SOURCES)):
        raise click.BadParameter(f"{name!r} is none of {', '.join(SOURCES)}", ctx, param)
    return frozenset(names)


server_options = option_group(
    "Server",
    option("--server", required=True, metavar="HOST:PORT", help="Its gRPC port, or unix:/path."),
    option("--timeout", type=Duration(), default="10s", show_default=True, help="For an answer."),
)

recording_options = option_group(
    "Recording",
    option("--duration", type=Duration(), default="2s", show_default=True, help="How long."),
    option("--allow-long", is_flag=True, help="Permit more than 10 s: risks the server's memory."),
    option(
        "--host-tracer-level",
        type=click.IntRange(1, 3),
        default=2,
        show_default=True,
        help="1 batching only, 2 requests and executors too, 3 every op.",
    ),
    option(
        "--collect-timeout",
        type=Duration(),
        default="1m",
        show_default=True,
        help="For the server to send what it recorded.",
    ),
    option("--no-device-trace", is_flag=True, help="Leave GPUs out of the trace."),
    option("--no-warmup", is_flag=True, help="No throw-away recording first; size unpredicted."),
    option(
        "--max-bytes",
        type=Size(),
        default="512MB",
        show_default=True,
        help="Refuse to record when more is to be expected.",
    ),
    option("--wait-for-traffic", is_flag=True, help="Record when requests come."),
    option("--wait-limit", type=Duration(), default="5m", show_default=True, help="At most."),
)

beside_options = option_group(
    "Beside the trace",
    option(
        "--metrics",
        metavar="URL|auto|off",
        default="auto",
        show_default=True,
        help="The server's Prometheus page; auto tries port 8501 and checks that it is its.",
    ),
    option(
        "--dcgm",
        metavar="URL",
        default="",
        help="A DCGM exporter's page, e.g. http://node:9400/metrics.",
    ),
    option(
        "--gpu-rate",
        type=click.IntRange(1, 100),
        default=20,
        show_default=True,
        metavar="HZ",
        help="How often a second GPUs are sampled, 1 to 100.",
    ),
    option("--model", multiple=True, metavar="NAME", help="Ask for its status; repeatable."),
    option(
        "--require",
        multiple=True,
        metavar="SOURCES",
        callback=_split_sources,
        help=f"Fail (6) without these: {', '.join(SOURCES)}; comma-separated.",
    ),
)

agent_options = option_group(
    "A server on another machine",
    option(
        "--agent",
        default="",
        metavar="HOST:PORT",
        help="A diag agent beside the server, for samples of its host and GPUs.",
    ),
    option("--agent-ca-cert", type=_PATH, metavar="PEM", help="Who signed its certificate."),
    option("--agent-client-cert", type=_PATH, metavar="PEM", help="If it wants one of diag."),
    option("--agent-client-key", type=_PATH, metavar="PEM", help="Of that certificate."),
    option(
        "--agent-token-file",
        type=_PATH,
        metavar="FILE",
        help="The token to show it; or in the variable DIAG_AGENT_TOKEN.",
    ),
)

security_options = option_group(
    "Security",
    option("--tls", is_flag=True, help="Speak TLS; implied by the options below."),
    option("--ca-cert", type=_PATH, metavar="PEM", help="Who signed the server's certificate."),
    option("--client-cert", type=_PATH, metavar="PEM", help="For mutual TLS."),
    option("--client-key", type=_PATH, metavar="PEM", help="For mutual TLS."),
    option("--authority", default="", metavar="NAME", help="The name to expect and to send."),
    option(
        "--headers-file",
        type=_PATH,
        metavar="FILE",
        help="gRPC metadata, 'name: value' a line; or in the variable DIAG_HEADERS.",
    ),
)

old_server_options = option_group(
    "Servers before TensorFlow 2.21",
    option("--repository-root", metavar="DIR", help="Where it may write, as it sees it."),
    option("--repository-local", type=_PATH, metavar="DIR", help="The same, as seen from here."),
)

bundle_options = option_group(
    "Output",
    option(
        "-o",
        "--output",
        type=_PATH,
        show_default="diag-<UTC time>",
        help="The bundle: a folder, or a file if it ends in .zip.",
    ),
    option("--force", is_flag=True, help="Replace a bundle of that name."),
    option(
        "--batching-parameters",
        type=_PATH,
        metavar="FILE",
        help="The server's batching_parameters_file, for the verdict and the bundle.",
    ),
    option("--preprocess-ops", metavar="REGEX", help="Count these op types as preprocessing too."),
)
