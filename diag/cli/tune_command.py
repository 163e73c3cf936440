"""``diag tune``: what other batching parameters would bring."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.analysis import AnalysisOptions, analyze_source
from diag.cli.console import output_width, verbosity, wants_color
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import analysis_options, examples, report_verbosity_options, source_options
from diag.cli.output import STDOUT, check_output, force_option, write_output
from diag.cli.report_output import format_option
from diag.errors import UsageError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    SettingsType = click.ParamType[dict[str, str]]
    FactorType = click.ParamType[float]
else:
    SettingsType = FactorType = click.ParamType  # generic since click 8.2 only

_RATE_MAX = 100.0


class SettingsParameter(SettingsType):
    """``batch_timeout_micros=2000,num_batch_threads=4``."""

    name = "NAME=VALUE,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """The values as text by name."""
        if isinstance(value, dict):
            return value
        found = {}
        for item in str(value).split(","):
            name, equals, text = item.partition("=")
            if not equals or not name.strip():
                self.fail(f"{item!r} is not NAME=VALUE", param, ctx)
            found[name.strip()] = text.strip()
        return found


class FactorParameter(FactorType):
    """``x1.5`` or ``1.5``."""

    name = "FACTOR"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The factor."""
        if isinstance(value, float):
            return value
        try:
            factor = float(str(value).lstrip("x\u00d7"))
        except ValueError:
            factor = 0.0
        if not 0 < factor <= _RATE_MAX:
            self.fail(
                f"{value!r} is not a factor such as x1.5, at most {_RATE_MAX:.0f}", param, ctx
            )
        return factor


_tuning_options = option_group(
    "Tuning",
    option(
        "--set",
        "settings",
        type=SettingsParameter(),
        multiple=True,
        help="Batching parameters to try, such as batch_timeout_micros=2000,num_batch_threads=4. "
        "allowed_batch_sizes is a list such as 8/16/32; grpc_max_threads, a flag, can be tried as "
        "well. May be repeated.",
    ),
    option(
        "--objective",
        type=click.Choice(["p99", "mean", "throughput", "device-seconds"]),
        help="Search for the parameters that are best in this. Default without --set: p99.",
    ),
    option(
        "--slo",
        "limits",
        type=SettingsParameter(),
        multiple=True,
        help="The most that a latency may be, such as p99=50ms. Metrics: mean, p50, p90, p99. "
        "Also says how many requests per second keep it.",
    ),
    option(
        "--rate",
        type=FactorParameter(),
        default="1",
        help="Try it with so many times the load, such as x1.5. Default: as recorded.",
    ),
)
_output_options = option_group(
    "Output",
    option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the batching_parameters_file with the tried parameters, and comments with "
        "what was measured and predicted.",
    ),
    force_option,
    format_option("Format of the answer on stdout. Default: text."),
    option("--summary", is_flag=True, help="Write only the answer."),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag tune capture.zip --objective p99 --slo p99=50ms",
        "diag tune capture.zip --set batch_timeout_micros=2000",
        "diag tune capture.zip --set max_batch_size=64,num_batch_threads=2 --rate x1.5",
        "diag tune trace.xplane.pb --batching-parameters batching_parameters.txt "
        "--set num_batch_threads=4",
    ),
)
@source_options
@_tuning_options
@_output_options
@analysis_options
@report_verbosity_options
def tune(
    source: str,
    run: str | None,
    settings: tuple[dict[str, str], ...],
    objective: str | None,
    limits: tuple[dict[str, str], ...],
    rate: float,
    output: Path | None,
    force: bool,
    format_: str | None,
    summary: bool,
    batching_parameters: Path | None,
    preprocess_ops: re.Pattern[str] | None,
) -> None:
    """Predict latency and throughput with other batching parameters.

    SOURCE is a source as of diag analyze. The recorded load is replayed on a simulated server,
    first with the settings of the recording: only if that gives what was measured is there a
    prediction. Without --set, the best parameters are searched for.
    """
    if output is not None:
        check_output(output, force=force)
    limits_ms = {name: ms for item in limits for name, ms in _limits_ms(item)}
    analysis = analyze_source(source, AnalysisOptions(run, batching_parameters, preprocess_ops))
    changes = {name: text for item in settings for name, text in item.items()}
    tuning = diag.tune(
        analysis,
        changes,
        rate=rate,
        objective=objective or ("" if changes else "p99"),
        limits_ms=limits_ms,
    )
    text = diag.render(
        diag.build_tuning(tuning),
        format_ or "text",
        color=wants_color(sys.stdout),
        width=output_width(sys.stdout),
        verbose=verbosity() >= 1,
        summary=summary,
    )
    write_output(STDOUT, text, force=False)
    if output is not None:
        write_output(output, diag.parameters_file(tuning), force=force)


def _limits_ms(given: dict[str, str]) -> Iterator[tuple[str, float]]:
    """``p99=50ms`` as the library's names and ms."""
    for name, text in given.items():
        number = text.removesuffix("ms") if text.endswith("ms") else text.removesuffix("s")
        try:
            value = float(number) * (1 if text.endswith("ms") else 1000)
        except ValueError:
            value = 0.0
        if name not in ("mean", "p50", "p90", "p99") or not 0 < value < float("inf"):
            raise UsageError(f"--slo: {name}={text} is not a limit such as p99=50ms")
        yield f"{name}_ms", value
