"""Simulated GPU servers against what was planted in them, into docs/accuracy.md."""

from __future__ import annotations

import functools
from collections import Counter

from benchmarks.docs_table import replace_table
from benchmarks.scoring import Score, score
from diag.analysis import analyze
from diag.findings import find
from diag.findings.ranking import leading
from diag.findings.verdict import HEALTHY
from diag.testing.gpu_server import SCENARIOS, Scenario, simulate

SEEDS = range(20)
_RUNS = f"{len(SEEDS)} runs a scenario."
# Of the runs of a scenario: in as many the finding about what was planted must come first.
AIM_RATIO = 0.95
FINDING_COLUMNS = ("scenario", "expected", "first", "came first instead", "expected, but later")
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
    """Run every scenario with every seed, print the tables and write them into docs/accuracy.md."""
    runs = {name: [_run(scenario, seed) for seed in SEEDS] for name, scenario in SCENARIOS.items()}
    causes = [
        _row(SCENARIOS[name], [each for each, _ in answers]) for name, answers in runs.items()
    ]
    _write("planted", COLUMNS, "--- ---: ---: ---: --- ---: ---:", causes, _RUNS)
    planted = {name: answers for name, answers in runs.items() if SCENARIOS[name].finding}
    ids = {name: [each for _, each in answers] for name, answers in planted.items()}
    findings = [_finding_row(SCENARIOS[name], answers) for name, answers in ids.items()]
    right = [_first_ratio(SCENARIOS[name], answers) >= AIM_RATIO for name, answers in ids.items()]
    sentence = f"{_RUNS} {sum(right)} of {len(right)} scenarios reach {AIM_RATIO:.0%}."
    _write("planted-findings", FINDING_COLUMNS, "--- --- ---: --- ---:", findings, sentence)


def _write(
    name: str, columns: tuple[str, ...], rule: str, rows: list[list[str]], sentence: str
) -> None:
    lines = [list(columns), rule.split(), *rows]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    text += f"\n\n{sentence}"
    print(text)
    print(f"written into {replace_table('accuracy.md', name, text)}")


def _run(scenario: Scenario, seed: int) -> tuple[Score, list[str]]:
    """The score of the idle time, and the ids of the findings, the verdict's first."""
    simulated = simulate(scenario.plan, seed)
    analysis = analyze(simulated.capture())
    findings = find(analysis)
    ids = [finding.id for finding in findings]
    return score(simulated, analysis), ids if leading(findings) is not None else [HEALTHY, *ids]


def _first_ratio(scenario: Scenario, answers: list[list[str]]) -> float:
    return sum(ids[0] == scenario.finding for ids in answers) / len(answers)


def _finding_row(scenario: Scenario, answers: list[list[str]]) -> list[str]:
    wrong = Counter(ids[0] for ids in answers if ids[0] != scenario.finding)
    later = sum(scenario.finding in ids[1:] for ids in answers)
    return [
        scenario.name,
        scenario.finding,
        f"{_first_ratio(scenario, answers):.0%}",
        ", ".join(f"{id_} ({count})" for id_, count in wrong.most_common()) or "-",
        str(later),
    ]


def _row(scenario: Scenario, scores: list[Score]) -> list[str]:
    total = functools.reduce(Score.plus, scores)
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
