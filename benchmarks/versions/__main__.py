"""``python -m benchmarks.versions``: record many releases, judge diag, write the tables.

Needs the package registry, an interpreter of every Python named in ``releases.py`` (pyenv has
them), about 2 GB of disk while it records and 60 MB for the recordings.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.docs_table import replace_table
from benchmarks.versions.answer import answer
from benchmarks.versions.expectations import EXPECTATIONS
from benchmarks.versions.judge import Judgement, judge
from benchmarks.versions.record import record, trace_path, truth_path
from benchmarks.versions.releases import RELEASES
from benchmarks.versions.table import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.versions.expectations import Expectation
    from benchmarks.versions.releases import Release


def main(words: Sequence[str]) -> int:
    """Record what is missing, judge all, write docs/accuracy.md; returns the exit status."""
    options = _options(words)
    chosen = [each for each in RELEASES if not options.only or each.name in options.only]
    failed = [] if options.judge_only else record(chosen, options.work, options.pythons)
    judged = {}
    for release in chosen:
        for program in EXPECTATIONS:
            if not trace_path(release, program.program, options.work).exists():
                continue
            found = _judged(release, program, options.work)
            judged[release.name, program.program] = found
            print(f"{release.name} {program.program}: {'; '.join(found.faults) or 'right'}")
    for line in failed:
        print(f"not recorded: {line}")
    if not options.only:
        print(f"written into {replace_table('accuracy.md', 'versions', tables(chosen, judged))}")
    return 1 if failed else 0


def _judged(release: Release, program: Expectation, work: Path) -> Judgement:
    truth = json.loads(truth_path(release, program.program, work).read_text())
    try:
        said = answer(trace_path(release, program.program, work))
    except Exception as error:  # a crash is a result here, and the rows after it count as well
        return Judgement((f"crash: {type(error).__name__}",))
    return judge(said, program, truth)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versions", description=__doc__)
    parser.add_argument("only", nargs="*", help="releases such as tf2.21.0; all by default")
    parser.add_argument("--work", type=Path, required=True, help="folder for the recordings")
    parser.add_argument(
        "--pythons",
        type=Path,
        action="append",
        default=[],
        help="folder with interpreters as pyenv lays them out; then PATH is searched",
    )
    parser.add_argument("--judge-only", action="store_true", help="record nothing")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
