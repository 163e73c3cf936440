"""Records every program with ``diag run`` and compares diag's answer with the program's own log.

``python -m benchmarks loops.accuracy`` records what is not in build/loops yet, judges all, and
writes the table into docs/accuracy.md; with names of programs, only these, and only to the screen:
``python -m benchmarks.loops.accuracy NAME ...``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.docs_table import replace_table
from benchmarks.loops.judge import GROUPS, Compared, compare, faults
from benchmarks.loops.planted import PLANTED, Planted
from benchmarks.loops.record import recorded

WORK = Path("build/loops")
HEADS = (
    "planted",
    "iterations",
    *GROUPS,
    "not made yet",
    "first finding",
    "wrong",
)


def run() -> None:
    """Measure all programs and write the table."""
    rows = [_row(planted, _measured(planted)) for planted in PLANTED]
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    table = "\n".join(f"| {' | '.join(row)} |" for row in lines)
    right = sum(row[-1] == "-" for row in rows)
    summary = f"Right: {right} of {len(rows)} programs."
    print(replace_table("accuracy.md", "loops", f"{summary}\n\n{table}"))


def main(names: list[str]) -> int:
    """Measure the programs named; returns the exit status."""
    for planted in PLANTED:
        if planted.program in names:
            compared = _measured(planted)
            print(" | ".join(_row(planted, compared)), compared.sentence, sep="\n", flush=True)
    return 0


def _measured(planted: Planted) -> Compared:
    WORK.mkdir(parents=True, exist_ok=True)
    bundle, log = WORK / f"{planted.program}.zip", WORK / f"{planted.program}.json"
    if not (bundle.exists() and log.exists()):
        recorded(planted.program, bundle.absolute(), log.absolute())
    return compare(planted, bundle, log)


def _row(planted: Planted, compared: Compared) -> tuple[str, ...]:
    pairs = [compared.shares.get(group) for group in GROUPS] + [compared.waiting]
    return (
        planted.title,
        f"{compared.found} / {compared.true}",
        *("-" if pair is None or not any(pair) else _percent(pair) for pair in pairs),
        compared.finding or "none",
        "; ".join(faults(planted, compared)) or "-",
    )


def _percent(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.1f} / {pair[1]:.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
