"""YAML and JSON as a tree in which every value knows its position. PyYAML does the parsing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from diag.formats.config.place import ConfigSyntaxError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

NODES_MAX = 200_000
DEPTH_MAX = 60
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where built


@dataclass(frozen=True, slots=True)
class Node:
    """A value.

    Attributes:
        place: Of its first character; of a block of text, of the text's first line.
        text: Of a scalar; "" for others.
        entries: Of a mapping: key and value, in order.
        items: Of a list.
        kind: ``scalar``, ``mapping`` or ``list``.
    """

    place: Place
    text: str = ""
    entries: tuple[tuple[Node, Node], ...] = ()
    items: tuple[Node, ...] = ()
    kind: str = "scalar"

    def get(self, *path: str) -> Node | None:
        """The value under these keys, one within the other; None where one is missing."""
        node: Node | None = self
        for key in path:
            node = next((v for k, v in node.entries if k.text == key), None) if node else None
        return node

    def key(self, name: str) -> Node | None:
        """The key itself, for its place."""
        return next((key for key, _ in self.entries if key.text == name), None)

    def walk(self) -> Iterator[Node]:
        """The node and all below it, parents first."""
        yield self
        for _, value in self.entries:
            yield from value.walk()
        for item in self.items:
            yield from item.walk()


def parse_yaml(text: str, path: str) -> tuple[Node, ...]:
    """The documents of a text, without empty ones.

    Raises:
        ConfigSyntaxError: Not YAML, or more than ``NODES_MAX`` values or ``DEPTH_MAX`` levels,
            those of aliases counted each time.
    """
    lines = text.split("\n")
    try:
        roots = list(yaml.compose_all(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
        raise ConfigSyntaxError(place, str(exc.problem or exc.context or "not YAML")) from exc
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise ConfigSyntaxError(Place(path), str(exc)[:200]) from exc
    converter = _Converter(path, lines)
    return tuple(converter.convert(root, 0) for root in roots)


class _Converter:
    def __init__(self, path: str, lines: list[str]) -> None:
        self._path = path
        self._lines = lines
        self._count = 0

    def convert(self, node: Any, depth: int) -> Node:
        self._count += 1
        place = Place(self._path, node.start_mark.line + 1, node.start_mark.column + 1)
        if self._count > NODES_MAX or depth > DEPTH_MAX:
            raise ConfigSyntaxError(place, "a larger or deeper tree than a configuration has")
        if isinstance(node, yaml.MappingNode):
            entries = tuple(
                (self.convert(key, depth + 1), self.convert(value, depth + 1))
                for key, value in node.value
            )
            return Node(place, entries=entries, kind="mapping")
        if isinstance(node, yaml.SequenceNode):
            items = tuple(self.convert(item, depth + 1) for item in node.value)
            return Node(place, items=items, kind="list")
        if node.style == "|":
            return Node(self._block_start(place), str(node.value))
        return Node(place, str(node.value))

    def _block_start(self, place: Place) -> Place:
        """Place of the first line of a literal block, after its indentation."""
        for number in range(place.line, len(self._lines)):
            line = self._lines[number]
            if line.strip():
                return Place(self._path, number + 1, len(line) - len(line.lstrip()) + 1)
        return place
