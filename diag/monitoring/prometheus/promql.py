"""Pieces of expressions that several series share.

``sum without`` keeps every label of the target, so that both sides of a division have the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.formats.text.serving_metrics import INFERENCE_API_PATTERN
from diag.monitoring.series import SUM_MAX_ERROR

if TYPE_CHECKING:
    from diag.monitoring.prometheus.timing import Timing

# The label that targets on the same machine share; the exporters know no server's address.
NODE = "node"
ON_A_NODE = f'{NODE}!=""'
INFERENCES = f'API=~"(?i:{INFERENCE_API_PATTERN})"'
PROBES = f'API!~"(?i:{INFERENCE_API_PATTERN})"'
OF_REQUESTS = ("API", "entrypoint")
OF_RUNS = ("API", "runtime")
# steps of a sum that is printed with six digits: what grew by fewer is not known well enough.
SUM_MIN_STEPS = round(1 / SUM_MAX_ERROR)


@dataclass(frozen=True, slots=True)
class Series:
    """A recording rule.

    Attributes:
        name: ``level:what:kind``; the level says which labels are left.
        expr: PromQL.
        unit: Of the value.
        meaning: What it is, and what it lacks.
    """

    name: str
    expr: str
    unit: str
    meaning: str


def sum_without(expr: str, labels: tuple[str, ...]) -> str:
    """The sum over these labels; without any, the expression itself."""
    return f"sum without ({', '.join(labels)}) ({expr})" if labels else expr


def known_rate(
    histogram: str, timing: Timing, without: tuple[str, ...] = (), matcher: str = ""
) -> str:
    """By how much a histogram's sum grows a second, where the page's digits show it."""
    selector = f"{{{matcher}}}" if matcher else ""
    grown = sum_without(f"increase({histogram}_sum{selector}[{timing.window}])", without)
    step = printed_step(histogram, without, matcher)
    return f"({grown}\n    >= {SUM_MIN_STEPS} * {step}) / {timing.window_s:g}"


def printed_step(histogram: str, without: tuple[str, ...] = (), matcher: str = "") -> str:
    """The least by which a sum that is printed with six digits can grow."""
    selector = f"{{{matcher}}}" if matcher else ""
    step = f"10 ^ (floor(log10({histogram}_sum{selector})) - 5)"
    return sum_without(step, without) if without else f"({step})"
