"""Report → JSON document, and the JSON Schema of these documents."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from diag.model.printable import spelt_out_for_json
from diag.report.model import SCHEMA_VERSION, Page, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMA_RESOURCE = f"schema/report-v{SCHEMA_VERSION}.json"
LINE_MAX_CHARS = 160
SHORT_MAX_ITEMS = 5  # more are not tried on one line
_INDENT = "  "


def draw_json(report: Page) -> str:
    """One strict JSON document with a final newline; all of the page.

    Characters that could steer a terminal are escaped, and so is ``</``: the text is harmless
    where it is shown and inside an HTML script element, and reads back as the same values.
    """
    text = "".join(_pretty(msgspec.to_builtins(report), "")).replace("</", "<\\/")
    return (text if text.isascii() else spelt_out_for_json(text)) + "\n"


def _pretty(node: Any, indent: str) -> Iterator[str]:
    """Indented, but what fits on a line, and every row of a table, is one line."""
    if all(map(_is_cell, _items(node))):
        yield _line(node)
        return
    if len(node) <= SHORT_MAX_ITEMS:
        line = _line(node)
        if len(line) <= LINE_MAX_CHARS:
            yield line
            return
    inner = indent + _INDENT
    opening, closing = "{}" if isinstance(node, dict) else "[]"
    if isinstance(node, dict):
        items = [(f"{_line(key)}: ", value) for key, value in node.items()]
    else:
        items = [("", item) for item in node]
    yield opening
    for index, (key, value) in enumerate(items):
        yield f"{',' if index else ''}\n{inner}{key}"
        yield from _pretty(value, inner)
    yield f"\n{indent}{closing}"


def _line(node: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(node), indent=0).decode()


def _items(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list | tuple) else ()


def _is_cell(node: Any) -> bool:
    """A scalar, or an Unavailable."""
    return not _items(node) or (isinstance(node, dict) and node.keys() == {"reason"})


def report_schema() -> str:
    """The JSON Schema (2020-12) generated from ``Report``; checked in as SCHEMA_RESOURCE."""
    return schema_of(Report, f"diag report, version {SCHEMA_VERSION}")


def schema_of(document: type[msgspec.Struct], title: str) -> str:
    """The JSON Schema (2020-12) of documents of a type."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **msgspec.json.schema(document),
    }
    return json.dumps(_flowing(schema), indent=2) + "\n"


def published_schema(resource: str = SCHEMA_RESOURCE) -> str:
    """A schema as it is shipped."""
    return resources.files("diag.report").joinpath(resource).read_text("utf-8")


def _flowing(node: object) -> object:
    """Descriptions come from docstrings: undo their indentation."""
    if isinstance(node, dict):
        return {
            key: re.sub(r"\n +", "\n", value) if key == "description" else _flowing(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_flowing(item) for item in node]
    return node
