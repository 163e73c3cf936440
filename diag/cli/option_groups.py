"""Help of a command with many options: under headings, in the order they are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from diag.cli.typed_command import TypedCommand

Decorated = Callable[..., Any]


class GroupedOption(click.Option):
    """An option that stands under a heading in the help."""

    def __init__(self, *args: Any, heading: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


class GroupedCommand(click.Command):
    """A command whose help lists its options under their headings.

    It records what was typed, so that hints can repeat it.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, after the words were recorded."""
        TypedCommand.record(ctx, args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A section a heading, in order of first appearance; the rest under Options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                heading = param.heading if isinstance(param, GroupedOption) else "Other options"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def option_group(
    heading: str, *options: tuple[tuple[str, ...], dict[str, Any]]
) -> Callable[[Decorated], Decorated]:
    """A decorator that adds options under one heading.

    Args:
        heading: As shown.
        options: Each the flags and the keyword arguments of ``click.option``.
    """

    def add(command: Decorated) -> Decorated:
        for flags, settings in reversed(options):
            command = click.option(*flags, cls=GroupedOption, heading=heading, **settings)(command)
        return command

    return add


def option(*flags: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """One entry of ``option_group``."""
    return flags, settings
