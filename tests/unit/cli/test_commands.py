"""The lazy table of commands says the same as the commands themselves."""

from __future__ import annotations

import click
import pytest

from diag.cli.commands import ALIASES, COMMANDS, cli


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_has_help_with_an_example(name):
    context = cli.make_context("diag", [name])
    command = cli.get_command(context, name)
    assert command is not None
    assert command.name == name
    text = command.get_help(command.make_context(name, [], parent=context, resilient_parsing=True))
    assert f"  diag {name}" in text
    helps = [each.help or "" for each in command.params if isinstance(each, click.Option)]
    assert [each for each in helps if not _is_phrase(each)] == []


def _is_phrase(text: str) -> bool:
    """Whether a help text is more than a fragment: three words or more, from capital to stop."""
    return len(text.split()) >= 3 and text.endswith(".") and not text.split()[0].islower()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_in_the_table_is_the_commands_own_first_sentence(name):
    command = cli.get_command(cli.make_context("diag", [name]), name)
    assert command is not None
    assert command.help is not None
    assert COMMANDS[name].summary.split()[0] == command.help.split()[0]


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_is_the_command_itself(name):
    context = cli.make_context("diag", [name])
    assert cli.resolve_command(context, [name])[1] is cli.get_command(context, ALIASES[name])
    assert name not in COMMANDS
