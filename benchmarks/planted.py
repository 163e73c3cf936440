"""Simulated GPU servers against what was planted in them, into docs/accuracy.md."""

from __future__ import annotations

from benchmarks.docs_table import replace_table
from benchmarks.scoring import Score, score
from diag.analysis import analyze
from diag.testing.gpu_server import SCENARIOS, Scenario, simulate

SEEDS = range(20)
COLUMNS = (
    "scenario",
    "idle, s",
    "due to the planted cause",
    "assigned correctly",
    "most often assigned instead",
    "no demand called starvation",
    "starvation called no demand",
)


def run() -> None:
    """Run every scenario with every seed, print the table and write it into docs/accuracy.md."""
    rows = [_row(scenario, _total(scenario)) for scenario in SCENARIOS.values()]
    lines = [list(COLUMNS), ["---", *["---:"] * 3, "---", *["---:"] * 2], *rows]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    text += f"\n\n{len(SEEDS)} runs a scenario."
    print(text)
    print(f"written into {replace_table('accuracy.md', 'planted', text)}")


def _total(scenario: Scenario) -> Score:
    scores = []
    for seed in SEEDS:
        simulated = simulate(scenario.plan, seed)
        analysis = analyze(simulated.capture())
        scores.append(score(simulated, analysis))
    total = scores[0]
    for each in scores[1:]:
        total = total.plus(each)
    return total


def _row(scenario: Scenario, total: Score) -> list[str]:
    return [
        scenario.name,
        f"{total.idle_ns / 1e9:.1f}",
        "-" if scenario.planted is None else f"{total.true_ratio(scenario.planted):.1%}",
        f"{total.correct_ratio:.1%}",
        _most_often_wrong(total),
        f"{total.false_starvation_ns / total.idle_ns:.2%}",
        f"{total.missed_starvation_ns / total.idle_ns:.2%}",
    ]


def _most_often_wrong(total: Score) -> str:
    wrong = [(pair, ns) for pair, ns in total.assigned_ns.most_common() if pair[0] is not pair[1]]
    if not wrong:
        return "-"
    (true, assigned), ns = wrong[0]
    return f"{true.value} as {assigned.value}: {ns / total.idle_ns:.1%}"
