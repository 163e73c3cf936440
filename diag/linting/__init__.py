"""Checks of what configures a server, without any traffic and without the server."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.linting.deployment import assemble
from diag.linting.processes import read_process
from diag.linting.reading import Read, Skipped, read_paths
from diag.linting.rules import check_all
from diag.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from diag.linting.deployment import Deployment
    from diag.linting.problem import Problem

_IGNORE = re.compile(r"#\s*diag:\s*ignore(?:\[([\w\s,-]*)\])?")


@dataclass(frozen=True, slots=True)
class Lint:
    """What was checked, and what is wrong.

    Attributes:
        problems: By file, line and column.
        ignored: How many problems a comment or an option switched off.
        files: Paths of what was checked, in order.
        skipped: What was named and holds nothing to check.
        deployment: What was read, and what belongs together.
    """

    problems: tuple[Problem, ...]
    ignored: int
    files: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    deployment: Deployment

    def count(self, severity: Severity) -> int:
        """How many problems are of a severity."""
        return Counter(each.finding.severity for each in self.problems)[severity]


def lint(
    paths: Iterable[Path],
    *,
    pid: int | None = None,
    cpus: float | None = None,
    memory_bytes: int | None = None,
    ignore: Iterable[str] = (),
) -> Lint:
    """Check configuration files, command lines, logs and SavedModels, against each other too.

    Args:
        paths: Files and folders. What a file is, is told by its content.
        pid: A running server on this host, whose command line and files are read as well.
        cpus: CPUs of the machine; a limit in a manifest counts before it.
        memory_bytes: Memory of the machine; likewise.
        ignore: Ids of rules to leave out.

    Raises:
        SourceNotFoundError: A path or process does not exist.
        InputError: A path cannot be read.
    """
    read = read_paths(paths)
    documents = read.documents
    if pid is not None:
        documents = (*documents, *read_process(pid, documents))
    deployment = assemble(documents, cpus, memory_bytes)
    found = sorted(set(_unique(check_all(deployment))), key=_order)
    left_out = frozenset(ignore)
    kept = tuple(
        each for each in found if each.finding.id not in left_out and not _is_ignored(each, read)
    )
    files = tuple(dict.fromkeys(each.place.path for each in documents))
    return Lint(kept, len(found) - len(kept), files, read.skipped, deployment)


def _unique(problems: Iterable[Problem]) -> Iterator[Problem]:
    """One a rule, place and message: several servers may name one file."""
    seen = set()
    for each in problems:
        key = (each.place, each.finding.id, each.finding.what)
        if key not in seen:
            seen.add(key)
            yield each


def _order(found: Problem) -> tuple[str, int, int, str]:
    return (found.place.path, found.place.line, found.place.column, found.finding.id)


def _is_ignored(found: Problem, read: Read) -> bool:
    """By a comment on the line, or on a line of its own before it."""
    text = read.texts.get(found.place.path)
    if text is None or not found.place.line:
        return False
    lines = text.split("\n")
    number = found.place.line - 1
    nearby = [lines[number]] if number < len(lines) else []
    if number and lines[number - 1].lstrip().startswith("#"):
        nearby.append(lines[number - 1])
    for line in nearby:
        for comment in _IGNORE.finditer(line):
            if comment[1] is None or found.finding.id in re.split(r"[\s,]+", comment[1].strip()):
                return True
    return False
