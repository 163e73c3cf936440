"""Single flags: unknown, written in a way that the server does not read, or refused."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from diag.formats.text.batching_hints import EXAMPLES
from diag.linting.flags import BOOL, FLAGS, refusal
from diag.linting.problem import flag_advice, problem
from diag.model.finding import Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.linting.deployment import Deployment
    from diag.linting.documents import ServerCommand
    from diag.linting.flags import FlagUse
    from diag.linting.problem import Problem

IDS = (
    "flag-unknown",
    "flag-without-equals",
    "flag-value-refused",
    "flag-after-double-dash",
    "flag-twice",
)


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about single flags."""
    for server in deployment.servers:
        command = server.command
        yield from _each_flag(command)
        yield from _strays(command)
        yield from _dropped(command)
        yield from _twice(command)


def _each_flag(command: ServerCommand) -> Iterator[Problem]:
    for use in command.arguments.flags:
        if use.name not in FLAGS:
            yield _unknown(use)
            continue
        if use.value is None and FLAGS[use.name] != BOOL:
            yield _without_equals(command, use)
            continue
        reason = refusal(use)
        if reason:
            yield problem(
                "flag-value-refused",
                Severity.CRITICAL,
                use.value_place,
                f"--{use.name} {reason}, not {printable(use.value or '', 60)!r}: the server prints "
                "its usage and ends.",
                flag_advice(_corrected(use)),
            )


def _corrected(use: FlagUse) -> str:
    if FLAGS[use.name] == BOOL:
        value = "false" if (use.value or "").lower() in ("0", "false", "no", "off") else "true"
        return f"Write --{use.name}={value}."
    return f"Write --{use.name}= with a number."


def _unknown(use: FlagUse) -> Problem:
    name = printable(use.name, 60)
    alone, space, value = use.name.partition(" ")
    if space and alone in FLAGS and use.value is None:
        return problem(
            "flag-without-equals",
            Severity.CRITICAL,
            use.place,
            f"“--{name}” is one word with a space in it, and no --{alone}: the server prints its "
            f"usage{' and ends' if FLAGS[alone] == BOOL else ', and runs without it'}.",
            flag_advice(f"Write --{alone}={printable(value.strip().lower(), 60)}."),
        )
    what = f"The server has no flag --{name}: it prints “unknown argument”, and runs without it."
    # A bool flag is found by its beginning, and the rest of the word read as its value
    # (ParseBoolFlag, command_line_flags.cc): "_file" is no value of --enable_batching.
    taken = next(
        (flag for flag, kind in FLAGS.items() if kind == BOOL and use.name.startswith(flag)), None
    )
    if taken is not None:
        what = (
            f"The server has no flag --{name}. It reads --{taken} with a wrong value, prints its "
            "usage and ends."
        )
    if use.name in EXAMPLES:
        fix = (
            f"Put {EXAMPLES[use.name]} into a file, and give it with --enable_batching "
            "--batching_parameters_file=FILE."
        )
    else:
        near = difflib.get_close_matches(use.name, FLAGS, n=1, cutoff=0.7)
        fix = f"Did you mean --{near[0]}?" if near else "Remove it."
    return problem("flag-unknown", Severity.CRITICAL, use.place, what, flag_advice(fix))


def _without_equals(command: ServerCommand, use: FlagUse) -> Problem:
    number = next(
        (
            stray
            for stray in command.arguments.strays
            if (stray.place.line, stray.place.column) > (use.place.line, use.place.column)
        ),
        None,
    )
    value = printable(number.text, 60) if number else "VALUE"
    return problem(
        "flag-without-equals",
        Severity.CRITICAL,
        use.place,
        f"--{use.name} without an equals sign is not read: the server prints “unknown argument”, "
        "and runs with the default.",
        flag_advice(f"Write --{use.name}={value}."),
    )


def _strays(command: ServerCommand) -> Iterator[Problem]:
    """Words that are no flag, where no flag before them lacks its value."""
    lacking = [u for u in command.arguments.flags if u.value is None and FLAGS.get(u.name) != BOOL]
    bare = [u for u in command.arguments.flags if u.value is None and FLAGS.get(u.name) == BOOL]
    for stray in command.arguments.strays[len(lacking) :]:
        before = [use for use in bare if use.place < stray.place]
        if before and stray.text.lower() in ("true", "false", "0", "1"):
            yield problem(
                "flag-without-equals",
                Severity.CRITICAL,
                stray.place,
                f"{printable(stray.text, 60)!r} is not read: --{before[-1].name} alone means true.",
                flag_advice(f"Write --{before[-1].name}={stray.text.lower()}."),
            )
        elif stray.text.startswith("-"):
            yield problem(
                "flag-unknown",
                Severity.CRITICAL,
                stray.place,
                f"Flags begin with two dashes: {printable(stray.text, 60)} is not read, and the "
                "server runs without it.",
                flag_advice(f"Write -{printable(stray.text, 60)}."),
            )


def _dropped(command: ServerCommand) -> Iterator[Problem]:
    for word in command.arguments.dropped[:1]:
        yield problem(
            "flag-after-double-dash",
            Severity.CRITICAL,
            word.place,
            f"Nothing after a bare -- is read: {printable(word.text, 60)} and what follows have no "
            "effect.",
            flag_advice("Remove the bare --."),
        )


def _twice(command: ServerCommand) -> Iterator[Problem]:
    """The last one counts. What the image's entrypoint sets is meant to be replaced."""
    seen: dict[str, FlagUse] = {}
    for use in command.arguments.flags:
        before = seen.get(use.name)
        if before is not None and not before.is_implied and before.value != use.value:
            yield problem(
                "flag-twice",
                Severity.WARNING,
                use.place,
                f"--{printable(use.name, 60)} is set twice; this one counts, and "
                f"{printable(str(before.value or 'true'), 60)!r} does not.",
                flag_advice("Remove the one that is not meant."),
            )
        seen[use.name] = use
