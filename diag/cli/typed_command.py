"""The command as the user typed it, and the same command with some options changed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from diag.cli.parameters import CommandParameter, fields_of, find_parameter
from diag.cli.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

_META_KEY = "diag.typed"
# Arguments that set the same as an option: capture HOST:PORT is capture --server HOST:PORT.
ARGUMENT_OPTIONS = {"address": "server"}


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """A command and its arguments, before any of them was converted.

    Attributes:
        command: The click command.
        path: ``diag capture``.
        arguments: What followed, one item a word.
    """

    command: click.Command
    path: str
    arguments: tuple[str, ...]

    @classmethod
    def of(cls, context: click.Context) -> TypedCommand | None:
        """The command that runs in this context or below it; None if none was recorded."""
        found = context.meta.get(_META_KEY)
        return found if isinstance(found, TypedCommand) else None

    @classmethod
    def record(cls, context: click.Context, arguments: list[str]) -> None:
        """Remember what was typed, for hints."""
        typed = cls(context.command, context.command_path, tuple(arguments))
        context.meta[_META_KEY] = typed

    def value_of(self, name: str) -> str:
        """What was typed for the option or argument of this parameter name; "" for nothing."""
        return next((words[-1] for typed, words in self._typed_words() if typed == name), "")

    def with_changes(self, changes: Mapping[str, object]) -> str:
        """A line for a shell: everything typed, with changed values in their place, new ones last.

        Args:
            changes: Value by library name; a name for which there is no option is left out. None
                and the default of a flag remove the option, and those of its fields
                (``tls.ca_cert`` is a field of ``tls``).

        Returns:
            "" if none of the changes is an option of this command.
        """
        changed = self._changed_words(changes)
        if not changed:
            return ""
        words: list[str] = []
        replaced: set[str] = set()
        for name, typed in self._typed_words():
            option = ARGUMENT_OPTIONS.get(name, name)
            if option in changed:
                new = changed.pop(option)
                replaced.add(option)
                words += new if name == option else new[-1:]
            elif option not in replaced:
                words += typed
        words += [word for new in changed.values() for word in new]
        return " ".join([self.path, *map(shlex.quote, words)])

    def _changed_words(self, changes: Mapping[str, object]) -> dict[str, list[str]]:
        """The words of each changed option by parameter name; none for one that is removed."""
        removed = [field for name in changes if changes[name] is None for field in fields_of(name)]
        wanted = {**dict.fromkeys(removed), **changes}
        found = {name: find_parameter(name, self.command.params) for name in wanted}
        return {
            parameter.click.name or "": _words(parameter, wanted[name])
            for name, parameter in found.items()
            if parameter is not None
        }

    def _typed_words(self) -> list[tuple[str, list[str]]]:
        """Parameter name and words, in the order typed; arguments come first."""
        context = click.Context(self.command, info_name=self.path)
        values, _, order = self.command.make_parser(context).parse_args(list(self.arguments))
        seen: dict[str, int] = {}
        words: list[tuple[str, list[str]]] = []
        for parameter in sorted(order, key=lambda each: isinstance(each, click.Option)):
            name = parameter.name or ""
            value = values.get(name)
            if parameter.multiple:
                index = seen[name] = seen.get(name, -1) + 1
                value = value[index] if isinstance(value, (list, tuple)) else value
            group = _raw_words(parameter, value)
            if group and (parameter.multiple or name not in seen):
                words.append((name, group))
            seen.setdefault(name, 0)
        return words


def _raw_words(parameter: click.Parameter, value: Any) -> list[str]:
    """What was typed for one occurrence; nothing for an argument that was left out."""
    if isinstance(parameter, click.Argument):
        return [value] if isinstance(value, str) else []
    spelling = CommandParameter(parameter).spelling
    if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count):
        return [spelling] * (value if parameter.count else 1)
    return [spelling, str(value)]


def _words(parameter: CommandParameter, value: object) -> list[str]:
    """The words that give a parameter this value of the library."""
    option = parameter.click
    if isinstance(option, click.Option) and option.is_flag:
        return [parameter.spelling] if bool(value) is not parameter.is_negated else []
    if value is None:
        return []
    if isinstance(option.type, Quantity) and isinstance(value, int):
        text = option.type.text(value)
    elif isinstance(value, (tuple, list, set, frozenset)):
        text = ",".join(sorted(map(str, value)))
    else:
        text = str(value)
    return [text] if isinstance(option, click.Argument) else [parameter.spelling, text]
