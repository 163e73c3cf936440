"""Help of a command with many options: under headings, in the order they are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from diag.cli.typed_command import TypedCommand

Decorated = Callable[..., Any]
Decorator = Callable[[Decorated], Decorated]
# What ``option`` and ``argument`` return: a decorator, once the heading is known.
Parameter = Callable[[str], Decorator]

LAST_HEADING = "Other options"
HELP_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class GroupedOption(click.Option):
    """An option that the help shows under a heading."""

    def __init__(self, *args: Any, heading: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


class GroupedCommand(click.Command):
    """A command whose help lists its options under their headings.

    It records what was typed, so that hints can repeat it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"context_settings": HELP_SETTINGS, **kwargs})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, after the words were recorded."""
        TypedCommand.record(ctx, args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One section for each heading, in order of first appearance; the rest comes last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                heading = param.heading if isinstance(param, GroupedOption) else LAST_HEADING
                sections.setdefault(heading, []).append(record)
        for heading in sorted(sections, key=lambda each: each == LAST_HEADING):
            with formatter.section(heading):
                formatter.write_dl(sections[heading])


def option_group(heading: str, *parameters: Parameter) -> Decorator:
    """A decorator that adds parameters, the options under one heading.

    Args:
        heading: As shown.
        parameters: From ``option`` and ``argument``, in the order of the help.
    """

    def add(command: Decorated) -> Decorated:
        for parameter in reversed(parameters):
            command = parameter(heading)(command)
        return command

    return add


def option(*flags: str, **settings: Any) -> Parameter:
    """One option of ``option_group``, with the arguments of ``click.option``."""

    def under(heading: str) -> Decorator:
        return click.option(*flags, cls=GroupedOption, heading=heading, **settings)

    return under


def argument(name: str, **settings: Any) -> Parameter:
    """One argument of ``option_group``, with the arguments of ``click.argument``."""

    def under(heading: str) -> Decorator:
        return click.argument(name, **settings)

    return under
