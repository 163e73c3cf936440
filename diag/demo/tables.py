"""The demo's tables as text: diag compared with the truth, and the cost of the capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.demo.comparison import Comparison
    from diag.demo.observer import Phase


def comparison_text(comparison: Comparison) -> str:
    """Mean milliseconds per request, by diag and by the server's clocks."""
    rows = [
        (
            line.name,
            _ms(line.diag_ns),
            _ms(line.truth_ns),
            f"{line.difference_ns / 1e6:+.2f}",
            "" if line.is_within else f"more than {_ms(line.tolerance_ns)}",
        )
        for line in comparison.lines
    ]
    text = _table(("ms per request", "diag", "truth", "difference", ""), rows)
    right = "the planted cause" if comparison.is_verdict_right else "not the planted cause"
    cause = (
        f"planted: {' or '.join(comparison.planted)}\n"
        f"first finding: {comparison.first}, {right}\n"
        f"largest stage: {comparison.largest_stage or 'none'}; largest idle cause: "
        f"{comparison.largest_gap or 'none'}"
    )
    return (
        f"diag compared with the truth: {comparison.matched} of {comparison.expected} requests of "
        f"{comparison.model}, mean {_ms(comparison.request_ns)} ms\n{text}{cause}\n"
    )


def observer_text(phases: Sequence[Phase]) -> str:
    """The clients' latency around the capture."""
    rows = [
        (
            phase.name,
            str(phase.calls),
            str(phase.errors),
            _known(phase.mean_ms),
            *(_known(value) for value in phase.percentiles_ms.values()),
        )
        for phase in phases
    ]
    heads = tuple(f"p{percent}" for percent in phases[0].percentiles_ms)
    table = _table(("ms by the clients", "calls", "errors", "mean", *heads), rows)
    return f"cost of the capture: latency of the clients\n{table}"


def _ms(duration_ns: float) -> str:
    return f"{duration_ns / 1e6:.2f}"


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first one to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for row in (heads, *rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"
