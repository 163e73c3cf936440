"""Servers and files in Kubernetes manifests and Docker Compose files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.formats.config.shell_words import Word, split_commands
from diag.linting.commands import behind_entrypoint, command_of, is_serving_image, number_of_cpus
from diag.linting.documents import Container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.config.place import Place
    from diag.formats.config.yaml_tree import Node
    from diag.linting.documents import ServerCommand

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_MEMORY = re.compile(r"(\d{1,15}(?:\.\d{0,6})?)\s*([KMGTP]?)(i?)[Bb]?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def is_manifest(root: Node) -> bool:
    """Whether a document is a Kubernetes object or a Compose file."""
    if root.kind != "mapping":
        return False
    services = root.get("services")
    return (root.get("kind") is not None and root.get("apiVersion") is not None) or (
        services is not None and services.kind == "mapping"
    )


def commands_in(root: Node) -> Iterator[ServerCommand]:
    """The command lines of servers in a manifest."""
    services = root.get("services")
    if services is not None and root.get("kind") is None:
        for _, service in services.entries:
            yield from _compose_command(service)
        return
    for node in root.walk():
        for key, value in node.entries:
            if key.text in ("containers", "initContainers") and value.kind == "list":
                for container in value.items:
                    yield from _kubernetes_command(container)


def config_map_entries(root: Node) -> Iterator[tuple[str, Node]]:
    """Name and text of each file in a ConfigMap."""
    kind, data = root.get("kind"), root.get("data")
    if kind is not None and kind.text == "ConfigMap" and data is not None:
        for key, value in data.entries:
            if value.kind == "scalar":
                yield key.text, value


def _kubernetes_command(node: Node) -> Iterator[ServerCommand]:
    image = _text(node.get("image"))
    limit = node.get("resources", "limits", "cpu")
    memory = node.get("resources", "limits", "memory")
    env = {
        _text(item.get("name")): (value.text, value.place)
        for item in (node.get("env") or node).items
        if (value := item.get("value")) is not None
    }
    probes = tuple(
        (url.text, url.place)
        for name in _PROBES
        if (url := node.get(name, "httpGet", "path")) is not None
    )
    container = Container(
        cpus=number_of_cpus(_text(limit)),
        cpus_place=limit.place if limit else None,
        memory_bytes=_bytes(_text(memory)),
        image=image,
        env=env,
        probe_urls=probes,
    )
    command, arguments = _words(node.get("command")), _words(node.get("args"))
    yield from _assembled(command, arguments, container, node.place)


def _compose_command(node: Node) -> Iterator[ServerCommand]:
    limit = node.get("deploy", "resources", "limits", "cpus") or node.get("cpus")
    memory = node.get("deploy", "resources", "limits", "memory") or node.get("mem_limit")
    listed = node.get("environment")
    env: dict[str, tuple[str, Place]] = {}
    if listed is not None:
        env = {key.text: (value.text, value.place) for key, value in listed.entries}
        for item in listed.items:
            name, equals, value = item.text.partition("=")
            if equals:
                env[name] = (value, item.place)
    container = Container(
        cpus=number_of_cpus(_text(limit)),
        cpus_place=limit.place if limit else None,
        memory_bytes=_bytes(_text(memory)),
        image=_text(node.get("image")),
        env=env,
    )
    entrypoint, command = _words(node.get("entrypoint")), _words(node.get("command"))
    yield from _assembled(entrypoint, command, container, node.place)


def _assembled(
    program: list[Word], arguments: list[Word], container: Container, place: Place
) -> Iterator[ServerCommand]:
    """As the container's runtime puts them together: a program of its own replaces the image's."""
    if program:
        yield from command_of([*program, *arguments], container)
    elif arguments and not arguments[0].text.startswith("-"):
        yield from command_of(arguments, container)
    elif is_serving_image(container.image):
        yield behind_entrypoint(arguments, container, arguments[0].place if arguments else place)


def _words(node: Node | None) -> list[Word]:
    if node is None:
        return []
    if node.kind == "list":
        return [Word(item.text, item.place) for item in node.items]
    return [word for words in split_commands(node.text, node.place) for word in words]


def _text(node: Node | None) -> str:
    return node.text if node is not None and node.kind == "scalar" else ""


def _bytes(text: str) -> int | None:
    found = _MEMORY.fullmatch(text.strip())
    if not found:
        return None
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** _POWERS[found[2].upper()])
