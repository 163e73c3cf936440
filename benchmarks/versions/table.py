"""The judgements as tables of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.versions.expectations import EXPECTATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.versions.expectations import Expectation
    from benchmarks.versions.judge import Judgement
    from benchmarks.versions.releases import Release

NOT_RECORDED = "not recorded"


def tables(releases: Sequence[Release], judged: Mapping[tuple[str, str], Judgement]) -> str:
    """Both tables: requests against truth, and the programs that are no server.

    Args:
        releases: Rows.
        judged: By name of the release and program.
    """
    serving = [each for each in EXPECTATIONS if each.has_requests]
    others = [each for each in EXPECTATIONS if not each.has_requests]
    answers = list(judged.values())
    right = sum(each.is_right for each in answers)
    return "\n\n".join(
        (
            f"Right: {right} of {len(answers)} recordings.",
            _table(releases, serving, judged),
            _table(releases, others, judged),
        )
    )


def _table(
    releases: Sequence[Release],
    programs: Sequence[Expectation],
    judged: Mapping[tuple[str, str], Judgement],
) -> str:
    lines = [["release", *(each.title for each in programs)], ["---"] * (len(programs) + 1)]
    for release in releases:
        mine = [
            _cell(each, judged.get((release.name, each.program)))
            if each.library == release.library
            else "-"
            for each in programs
        ]
        if any(cell != "-" for cell in mine):
            lines.append([f"{release.library} {release.version}", *mine])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(program: Expectation, judgement: Judgement | None) -> str:
    if judgement is None:
        return NOT_RECORDED
    figures = ""
    if program.has_requests and judgement.matched:
        figures = (
            f"{judgement.matched} / {judgement.expected}, "
            f"{judgement.found_ns / 1e6:.2f} / {judgement.true_ns / 1e6:.2f} ms"
        )
    if judgement.is_right:
        return figures or "right"
    wrong = f"**wrong**: {', '.join(judgement.faults)}"
    return f"{wrong} ({figures})" if figures else wrong
