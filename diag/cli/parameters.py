"""Library parameter -> command line option, so that an error names what the user can type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

# Library name -> option, where they differ. "!" marks an option that says the opposite.
_OPTION_NAMES = {
    "duration_ns": "duration",
    "timeout_ns": "timeout",
    "collect_timeout_ns": "collect_timeout",
    "wait_limit_ns": "wait_limit",
    "gpu_rate_hz": "gpu_rate",
    "models": "model",
    "device_trace": "!no_device_trace",
    "warmup": "!no_warmup",
    "probe": "!no_probe",
    "headers": "headers_file",
    "tls.ca_cert": "ca_cert",
    "tls.client_cert": "client_cert",
    "tls.client_key": "client_key",
    "repository": "repository_root",
    "repository.root": "repository_root",
    "repository.local": "repository_local",
    "agent.address": "agent",
    "agent.token": "agent_token_file",
    "agent.tls": "agent_ca_cert",
    "agent.tls.ca_cert": "agent_ca_cert",
    "agent.tls.client_cert": "agent_client_cert",
    "agent.tls.client_key": "agent_client_key",
    "certificate": "tls_cert",
    "certificate.cert": "tls_cert",
    "certificate.key": "tls_key",
    "certificate.client_ca": "client_ca",
    "token": "token_file",
}
_QUOTED_NAME = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")


@dataclass(frozen=True, slots=True)
class CommandParameter:
    """An option or argument of a command.

    Attributes:
        click: As click knows it.
        is_negated: Whether giving it means False to the library: ``--no-warmup`` is ``warmup``.
    """

    click: click.Parameter
    is_negated: bool = False

    @property
    def spelling(self) -> str:
        """As the user types it: ``--duration``, or ``SOURCE`` for an argument."""
        if isinstance(self.click, click.Argument):
            return (self.click.metavar or (self.click.name or "").upper()).strip("[]")
        return max(self.click.opts, key=len)


def find_parameter(name: str, parameters: Iterable[click.Parameter]) -> CommandParameter | None:
    """What sets a library parameter in a command; None if the command has no such option.

    Args:
        name: By the library: ``duration_ns``, ``tls.ca_cert``.
        parameters: Of the command.
    """
    option = _OPTION_NAMES.get(name, name)
    wanted = option.removeprefix("!")
    for parameter in parameters:
        if parameter.name == wanted:
            return CommandParameter(parameter, is_negated=option.startswith("!"))
    return None


def fields_of(name: str) -> tuple[str, ...]:
    """Library names of the fields of a parameter that several options set: ``tls.ca_cert``, ..."""
    return tuple(each for each in _OPTION_NAMES if each.startswith(f"{name}."))


def with_option_names(text: str, parameters: Iterable[click.Parameter]) -> str:
    """A library message with `` `duration_ns` `` shown as ``--duration``.

    Names that the command has no option for are left as they are.
    """
    known = tuple(parameters)

    def spelled(match: re.Match[str]) -> str:
        found = find_parameter(match[1], known)
        return match[0] if found is None else found.spelling

    return _QUOTED_NAME.sub(spelled, text)
