"""``diag compare``: captures before and after a change."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import diag
from diag.cli.analysis import AnalysisOptions, analyze_source
from diag.cli.console import output_width, verbosity, wants_color
from diag.cli.option_groups import GroupedCommand, argument, option, option_group
from diag.cli.options import analysis_options, examples, report_verbosity_options
from diag.cli.output import STDOUT, check_output, force_option, output_option, write_output
from diag.cli.report_output import choose_format, format_option
from diag.errors import EmptyCaptureError, RegressionError, UsageError

if TYPE_CHECKING:
    import re
    from pathlib import Path

    LimitType = click.ParamType["Limit"]
else:
    LimitType = click.ParamType  # generic since click 8.2 only

_STATISTICS = ("mean", "p50", "p90", "p99")


@dataclass(frozen=True, slots=True)
class Limit:
    """How much slower a latency may become.

    Attributes:
        statistic: ``mean``, ``p50``, ``p90`` or ``p99``.
        ratio: Increase over the value before, 0.1 for 10 %.
    """

    statistic: str
    ratio: float


class LimitParameter(LimitType):
    """``p99=10%``."""

    name = "METRIC=PERCENT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Limit:
        """The limit."""
        if isinstance(value, Limit):
            return value
        statistic, _, percent = str(value).partition("=")
        try:
            ratio = float(percent.removesuffix("%")) / 100
        except ValueError:
            ratio = -1.0
        if statistic not in _STATISTICS or not 0 <= ratio <= 100:
            self.fail(
                f"{value!r} is not a limit such as p99=10%. Metrics: {', '.join(_STATISTICS)}.",
                param,
                ctx,
            )
        return Limit(statistic, ratio)


_input_options = option_group(
    "Input",
    argument("before", type=click.Path()),
    argument("after", type=click.Path()),
    option(
        "--also-before",
        type=click.Path(),
        multiple=True,
        metavar="SOURCE",
        help="A further capture before the change; may be repeated.",
    ),
    option(
        "--also-after",
        type=click.Path(),
        multiple=True,
        metavar="SOURCE",
        help="A further capture after the change; may be repeated.",
    ),
)
_output_options = option_group(
    "Output",
    output_option,
    force_option,
    format_option(
        "Format of the comparison. Default: by the suffix of the output file, else text."
    ),
    option(
        "--fail-on-regression",
        "limits",
        type=LimitParameter(),
        multiple=True,
        help="Exit with 1 if a latency rose by this much or more, and by more than chance. "
        "Metrics: mean, p50, p90, p99. May be repeated.",
    ),
    option("--summary", is_flag=True, help="Write only the outcome."),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag compare before.zip after.zip",
        "diag compare before.zip after.zip -o comparison.md",
        "diag compare monday.zip friday.zip --also-before tuesday.zip",
        "diag compare before.zip after.zip --fail-on-regression p99=10%",
    ),
)
@_input_options
@_output_options
@analysis_options
@report_verbosity_options
@click.pass_context
def compare(
    context: click.Context,
    before: str,
    after: str,
    also_before: tuple[str, ...],
    also_after: tuple[str, ...],
    output: Path,
    force: bool,
    format_: str | None,
    limits: tuple[Limit, ...],
    summary: bool,
    batching_parameters: Path | None,
    preprocess_ops: re.Pattern[str] | None,
) -> None:
    """Say whether requests became faster or slower, where, and whether that is sure.

    BEFORE and AFTER are sources as of diag analyze: bundles, traces or URLs. Several captures of a
    side are pooled. Every difference has an interval, made by resampling runs of neighbouring
    requests, and what differs besides the change, such as the load, is listed.

    The exit status is 1 if a limit of --fail-on-regression was broken or cannot be judged, and 5
    if a side holds no request; the comparison is written all the same.
    """
    check_output(output, force=force)
    if before == after == "-":
        raise UsageError("BEFORE and AFTER are both stdin", hint="name a file for one of them")
    options = AnalysisOptions(None, batching_parameters, preprocess_ops)
    sides = [
        [analyze_source(source, options) for source in sources]
        for sources in ((before, *also_before), (after, *also_after))
    ]
    comparison = diag.compare(*sides)
    text = diag.render(
        diag.build_comparison(comparison),
        choose_format(format_, output),
        color=output == STDOUT and wants_color(sys.stdout),
        width=output_width(sys.stdout),
        verbose=verbosity() >= 1,
        summary=summary,
    )
    write_output(output, text, force=force)
    if not comparison.before.requests or not comparison.after.requests:
        context.exit(EmptyCaptureError.exit_code)
    broken = [each for each in (_broken(comparison, limit) for limit in limits) if each.why]
    if broken:
        raise RegressionError(
            "; ".join(each.why for each in broken),
            hint="see the comparison above for the stage that takes longer"
            if any(each.is_judged for each in broken)
            else "record longer, so that more requests are compared",
        )


class _Verdict(NamedTuple):
    """Why a limit does not hold, in half a sentence, "" if it does; and whether that is known."""

    why: str
    is_judged: bool


def _broken(comparison: diag.Comparison, limit: Limit) -> _Verdict:
    change = comparison.change(f"latency.{limit.statistic}")
    if isinstance(change, diag.Unavailable):
        return _Verdict(f"{limit.statistic} cannot be judged: {change.reason}", is_judged=False)
    rise, least = change.relative(change.difference), change.low
    if isinstance(rise, diag.Unavailable) or isinstance(least, diag.Unavailable):
        missing = rise if isinstance(rise, diag.Unavailable) else least
        reason = getattr(missing, "reason", "")
        return _Verdict(f"{limit.statistic} cannot be judged: {reason}", is_judged=False)
    if rise >= limit.ratio and least > 0:
        why = f"{limit.statistic} rose by {rise:.0%}, and the limit is {limit.ratio:.0%}"
        return _Verdict(why, is_judged=True)
    return _Verdict("", is_judged=True)
