"""Tab completion: the script for a shell, and the answers to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from click.shell_completion import get_completion_class, shell_complete

from diag.cli.commands import cli

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = "diag"
# A script calls diag with this variable set, at each press of Tab.
VARIABLE = "_DIAG_COMPLETE"
INSTRUCTIONS = {
    "bash": (
        "Add this line to ~/.bashrc, then start a new shell (bash 4.4 or newer):",
        '  eval "$(diag completion bash)"',
    ),
    "zsh": (
        "Add this line to ~/.zshrc, below compinit, then start a new shell:",
        '  eval "$(diag completion zsh)"',
    ),
    "fish": (
        "Write the script to a file that fish loads by itself:",
        "  diag completion fish > ~/.config/fish/completions/diag.fish",
    ),
}


def completion_script(shell: str) -> str:
    """The script for one of ``INSTRUCTIONS``, with instructions as comments.

    The first line stays the first: zsh reads ``#compdef`` only there.
    """
    found = get_completion_class(shell)
    if found is None:
        raise ValueError(f"click has no completion for {shell}")
    script = found(cli, {}, PROGRAM, VARIABLE)
    first, _, rest = (script.source_template % script.source_vars()).lstrip().partition("\n")
    comments = "".join(f"# {line}\n" for line in INSTRUCTIONS[shell])
    head = f"{first}\n{comments}" if first.startswith("#") else f"{comments}{first}\n"
    return f"{head}{rest.rstrip()}\n"


def complete(environ: Mapping[str, str] = os.environ) -> int | None:
    """Answer a completion script that asks for words.

    Returns:
        The exit status; None if no completion was asked for, so that the command runs.
    """
    instruction = environ.get(VARIABLE)
    if not instruction:
        return None
    return shell_complete(cli, {}, PROGRAM, VARIABLE, instruction)
