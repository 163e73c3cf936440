"""The table of commands, and a click group that imports a command only when it is needed."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from diag.cli.option_groups import HELP_SETTINGS
from diag.cli.options import examples, verbosity_options
from diag.errors import UsageError


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command that is not imported yet.

    Attributes:
        target: ``module:attribute`` of the click command.
        summary: Its line in ``diag --help``, which must not import it.
    """

    target: str
    summary: str


COMMANDS: dict[str, LazyCommand] = {
    "capture": LazyCommand(
        "diag.cli.capture_command:capture", "Record a running server and explain its latency."
    ),
    "run": LazyCommand(
        "diag.cli.run_command:run", "Run a Python program with TensorFlow and record it once."
    ),
    "analyze": LazyCommand(
        "diag.cli.analyze_command:analyze", "Explain where the time of recorded requests went."
    ),
    "show": LazyCommand(
        "diag.cli.show_command:show", "Show the whole way of single requests, the slowest first."
    ),
    "compare": LazyCommand(
        "diag.cli.compare_command:compare", "Say whether a change made requests faster or slower."
    ),
    "tune": LazyCommand(
        "diag.cli.tune_command:tune", "Predict latency with other batching parameters."
    ),
    "export": LazyCommand(
        "diag.cli.export_command:export", "Write requests, batches, idle gaps or samples as tables."
    ),
    "ticket": LazyCommand(
        "diag.cli.ticket_command:ticket", "Post the report of a capture to an issue or a chat."
    ),
    "redact": LazyCommand(
        "diag.cli.redact_command:redact", "Write a copy of a bundle or trace without names in it."
    ),
    "agent": LazyCommand(
        "diag.cli.agent_command:agent", "Send samples of this machine to captures on another one."
    ),
    "demo": LazyCommand(
        "diag.cli.demo_command:demo", "Start a real server with a known problem and diagnose it."
    ),
    "completion": LazyCommand(
        "diag.cli.completion_command:completion", "Print the tab completion script of a shell."
    ),
}


class LazyGroup(click.Group):
    """A group over ``COMMANDS`` whose own help imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table: the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The named command, imported now; None if the table lacks it."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name].target} is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; the message for a misspelt name suggests the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            advice = f"Did you mean {near[0]!r}?" if near else f"Commands: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {name!r}. {advice}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and summaries of the table, without importing a command."""
        names = [
            CompletionItem(name, help=command.summary)
            for name, command in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table itself; click would import every command for its first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Callback of ``--version``: prints it and ends the program."""
    if value and not ctx.resilient_parsing:
        from diag.cli.version import version_text

        click.echo(version_text())
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings=HELP_SETTINGS,
    invoke_without_command=True,
    epilog=examples(
        "diag demo",
        "diag capture localhost:8500",
        "diag analyze capture.zip -o report.md",
        "diag compare before.zip after.zip",
        "diag export capture.zip --table requests -o requests.csv",
    ),
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the versions of diag and of the libraries it uses.",
)
@verbosity_options
@click.pass_context
def cli(context: click.Context) -> None:
    """Explain why a TensorFlow Serving replica is slow, or its GPU idle.

    Results go to stdout, everything else to stderr.

    Exit status: 0 done, 1 a limit was broken, 2 wrong usage, 3 unusable input, 4 capture failed, 5
    no requests, 6 a required source is missing, 7 output not written, 8 every request failed, 9 a
    ticket was not taken, 70 a bug in diag, 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(UsageError.exit_code)
