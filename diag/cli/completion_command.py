"""``diag completion``: lets a shell complete commands, options and values."""

from __future__ import annotations

import click

from diag.cli.completion_script import INSTRUCTIONS, completion_script
from diag.cli.option_groups import GroupedCommand
from diag.cli.options import examples


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        'eval "$(diag completion bash)"',
        'eval "$(diag completion zsh)"',
        "diag completion fish > ~/.config/fish/completions/diag.fish",
    ),
)
@click.argument("shell", type=click.Choice(list(INSTRUCTIONS)))
def completion(shell: str) -> None:
    """Print the tab completion script of bash, zsh or fish.

    The first lines of the script say how to install it.
    """
    click.echo(completion_script(shell), nl=False)
