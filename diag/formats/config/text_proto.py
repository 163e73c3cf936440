"""Protobuf's text format as a tree of fields with positions, for any message.

protobuf's own parser says where it stopped, but not where a value of a message stood, and it needs
to know the message. Here a text is read without knowing it; whether the server would take the
text is for protobuf's parser to say. Grammar:
https://protobuf.dev/reference/protobuf/textformat-spec/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from diag.formats.config.place import ConfigSyntaxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.config.place import Place

DEPTH_MAX = 50
_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n\f\v\ufeff]+ | \#[^\n]*)
    | (?P<text>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    | (?P<word>[A-Za-z_][\w.]* | [-+]?[0-9.][\w.+]*)
    | (?P<mark>[:{}<>\[\],;/-])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_CLOSING = {"{": "}", "<": ">"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it is written.

    Attributes:
        name: Without the brackets of an extension.
        place: Of the name.
        value: Text of a scalar, without quotes; "" for a message.
        value_place: Of the value's first character.
        fields: Of a message, in order.
        is_message: Whether braces follow the name.
        is_quoted: Whether the scalar is a quoted text.
    """

    name: str
    place: Place
    value: str
    value_place: Place
    fields: tuple[Field, ...] = ()
    is_message: bool = False
    is_quoted: bool = False

    def get(self, name: str) -> Field | None:
        """The last field of that name within the message: it wins; None without any."""
        return last(self.fields, name)

    def all(self, name: str) -> tuple[Field, ...]:
        """The fields of that name within the message."""
        return tuple(each for each in self.fields if each.name == name)

    @property
    def wrapped(self) -> Field:
        """The ``value`` of a wrapper message such as ``{ value: 8 }``; else the field itself."""
        inner = self.get("value") if self.is_message else None
        return inner or self


def last(fields: tuple[Field, ...], name: str) -> Field | None:
    """The last field of that name; None without any."""
    return next((each for each in reversed(fields) if each.name == name), None)


def parse_text_proto(text: str, start: Place) -> tuple[Field, ...]:
    """The fields of a text.

    Args:
        text: All of it.
        start: Place of its first character.

    Raises:
        ConfigSyntaxError: It is not in the text format, or nests deeper than ``DEPTH_MAX``.
    """
    return _Parser(text, start).whole()


class _Token(NamedTuple):
    kind: str  # text, word, mark or end
    value: str
    place: Place


def _tokens(text: str, start: Place) -> Iterator[_Token]:
    line, line_start, position = 1, 0, 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        place = start.moved(line, position - line_start + 1)
        if found is None:
            if text[position] in "\"'":
                raise ConfigSyntaxError(place, "a quoted text does not end on its line")
            raise ConfigSyntaxError(place, f"{text[position]!r} cannot stand here")
        if found.lastgroup != "space":
            yield _Token(str(found.lastgroup), found[0], place)
        breaks = found[0].count("\n")
        if breaks:
            line += breaks
            line_start = position + found[0].rindex("\n") + 1
        position = found.end()
    yield _Token("end", "", start.moved(line, position - line_start + 1))


class _Parser:
    def __init__(self, text: str, start: Place) -> None:
        self._tokens = _tokens(text, start)
        self._next = next(self._tokens)

    def whole(self) -> tuple[Field, ...]:
        fields = self._fields("", 0)
        if self._next.kind != "end":
            raise ConfigSyntaxError(self._next.place, f"{self._next.value!r} closes nothing")
        return fields

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._next = next(self._tokens)
        return token

    def _takes(self, *marks: str) -> str:
        """The next token, if it is one of these marks; else ""."""
        if self._next.kind == "mark" and self._next.value in marks:
            return self._take().value
        return ""

    def _fields(self, closing: str, depth: int) -> tuple[Field, ...]:
        if depth > DEPTH_MAX:
            raise ConfigSyntaxError(self._next.place, f"nested deeper than {DEPTH_MAX} messages")
        found: list[Field] = []
        while self._next.kind != "end" and not (
            self._next.kind == "mark" and self._next.value in ("}", ">")
        ):
            found += self._field(depth)
            self._takes(",", ";")
        if closing and self._takes(closing) != closing:
            raise ConfigSyntaxError(self._next.place, f"{closing} is missing")
        return tuple(found)

    def _field(self, depth: int) -> list[Field]:
        name = self._name()
        has_colon = bool(self._takes(":"))
        if self._takes("["):
            return list(self._list(name, depth))
        return [self._value(name, depth, has_colon=has_colon)]

    def _name(self) -> _Token:
        token = self._take()
        if token.kind == "mark" and token.value == "[":  # an extension, or the type of an Any
            parts = []
            while not self._takes("]"):
                part = self._take()
                if part.kind == "end":
                    raise ConfigSyntaxError(part.place, "] is missing")
                parts.append(part.value)
            return _Token("word", "".join(parts), token.place)
        if token.kind != "word":
            raise ConfigSyntaxError(
                token.place,
                "the text ends in the middle of a field"
                if token.kind == "end"
                else f"a field's name is expected, not {token.value[:40]!r}",
            )
        return token

    def _list(self, name: _Token, depth: int) -> Iterator[Field]:
        while not self._takes("]"):
            yield self._value(name, depth, has_colon=True)
            if not self._takes(",") and not (self._next.kind == "mark" and self._next.value == "]"):
                raise ConfigSyntaxError(self._next.place, "a comma or ] is missing")

    def _value(self, name: _Token, depth: int, *, has_colon: bool) -> Field:
        place = self._next.place
        opening = self._takes("{", "<")
        if opening:
            fields = self._fields(_CLOSING[opening], depth + 1)
            return Field(name.value, name.place, "", place, fields, is_message=True)
        if not has_colon:
            raise ConfigSyntaxError(place, f"a colon or braces are missing after {name.value[:60]}")
        token = self._take()
        if token.kind == "text":
            value = _unquoted(token.value)
            while self._next.kind == "text":
                value += _unquoted(self._take().value)
            return Field(name.value, name.place, value, place, is_quoted=True)
        sign = "-" if token.kind == "mark" and token.value == "-" else ""
        if sign:
            token = self._take()
        if token.kind != "word":
            raise ConfigSyntaxError(place, f"the value of {name.value[:60]} is missing")
        return Field(name.value, name.place, sign + token.value, place)


def _unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), literal[1:-1])
