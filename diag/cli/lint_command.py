"""``diag lint``: mistakes in what configures a server, without traffic."""

from __future__ import annotations

from pathlib import Path

import click

import diag
from diag.cli.console import verbosity
from diag.cli.fail_on import FindingName, is_reached
from diag.cli.option_groups import GroupedCommand, argument, option, option_group
from diag.cli.options import examples, verbosity_options
from diag.cli.output import (
    check_folder,
    check_output,
    force_option,
    output_option,
    write_folder,
    write_output,
)
from diag.errors import FindingReachedError, UsageError

_RULE_OR_SEVERITY = FindingName(lambda: diag.LINT_IDS, "docs/lint")

_input_options = option_group(
    "Input",
    argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]..."),
    option(
        "--pid",
        type=click.IntRange(min=1),
        help="Also check the command line of this running server, and the files that it names.",
    ),
    option(
        "--cpus",
        type=click.FloatRange(min=0, min_open=True, max=100_000),
        help="CPUs of the machine that the server will run on. The default number of handler "
        "threads depends on it.",
    ),
    option(
        "--memory",
        "memory_gib",
        type=click.FloatRange(min=0, min_open=True),
        metavar="GIB",
        help="Memory of that machine in GiB. A limit in a manifest counts before it.",
    ),
    option(
        "--ignore",
        type=_RULE_OR_SEVERITY,
        multiple=True,
        metavar="RULE",
        help="Leave out this rule. May be repeated. In a file: # diag: ignore[RULE].",
    ),
)
_output_options = option_group(
    "Output",
    output_option,
    force_option,
    option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(list(diag.LINT_FORMATS)),
        default="text",
        help="Format of the problems: text, json, markdown (a table), sarif (code hosts), github "
        "(annotations of a workflow). Default: text.",
    ),
    option(
        "--fail-on",
        type=_RULE_OR_SEVERITY,
        multiple=True,
        metavar="RULE|SEVERITY",
        help="Exit with 1 if this rule found a problem, or any of this severity (critical, "
        "warning, info) or a higher one. May be repeated.",
    ),
    option(
        "--fix",
        "fix_folder",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Write corrected files into this folder. The originals stay as they are.",
    ),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag lint deploy/",
        "diag lint batching_parameters.txt models.config run.sh --cpus 16",
        "diag lint deployment.yaml --format github --fail-on critical",
        "diag lint tf-serving-config.json --fix fixed/",
        "diag lint --pid 4711",
    ),
)
@_input_options
@_output_options
@verbosity_options
def lint(
    paths: tuple[Path, ...],
    pid: int | None,
    cpus: float | None,
    memory_gib: float | None,
    ignore: tuple[str, ...],
    output: Path,
    force: bool,
    format_: str,
    fail_on: tuple[str, ...],
    fix_folder: Path | None,
) -> None:
    """Find mistakes in configuration, command lines, logs and models, before there is traffic.

    PATH is a file or a folder: batching parameters, model lists, other files of the server,
    command lines (shell scripts, Dockerfiles, systemd units, Kubernetes manifests as
    kubectl or helm template prints them, Compose files), a server's log, a SavedModel or a model's
    folder. The content of a file decides what it is. Several are checked against each other.
    """
    if not paths and pid is None:
        raise UsageError("nothing to check", hint="diag lint PATH, or diag lint --pid PID")
    check_output(output, force=force)
    memory = None if memory_gib is None else int(memory_gib * (1 << 30))
    found = diag.lint(paths, pid=pid, cpus=cpus, memory_bytes=memory, ignore=ignore)
    for each in found.skipped:
        _say(f"not checked: {each.path}: {each.reason}")
    files = diag.corrected_files(found) if fix_folder is not None else {}
    if fix_folder is not None and files:
        check_folder(fix_folder, tuple(files), force=force)
    write_output(output, diag.LINT_FORMATS[format_](found), force=force)
    if fix_folder is not None:
        _write_fixes(fix_folder, files, force=force)
    hits = [each for each in found.problems if is_reached(each.finding, fail_on)]
    if hits:
        first = hits[0]
        raise FindingReachedError(
            f"{len(hits)} {'problem' if len(hits) == 1 else 'problems'}, the first is "
            f"{first.finding.id} at {first.place}",
            cause=f"--fail-on {' --fail-on '.join(fail_on)}",
            hint=f"see {first.finding.docs}",
        )


def _write_fixes(folder: Path, files: dict[str, str], *, force: bool) -> None:
    if not files:
        _say("nothing to rewrite: no file is in a form that the server does not take")
        return
    write_folder(folder, {name: text.encode() for name, text in files.items()}, force=force)
    for name in files:
        _say(f"wrote {folder / name}")


def _say(text: str) -> None:
    """To stderr, unless ``-q`` was given."""
    if verbosity() >= 0:
        click.echo(text, err=True)
