"""Report → JSON, as the published schema describes it, and that schema."""

from __future__ import annotations

import json
import re
from importlib import resources

import msgspec

from diag.model.printable import spelt_out_for_json
from diag.report.report import Report

SCHEMA_RESOURCE = "schema/report-v1.json"


def render_json(report: Report) -> str:
    """One strict JSON document with a final newline.

    Characters that could steer a terminal are escaped, and so is ``</``: the text is harmless
    where it is shown and inside an HTML script element, and reads back as the same values.
    """
    text = msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
    text = text.replace("</", "<\\/")
    return (text if text.isascii() else spelt_out_for_json(text)) + "\n"


def report_schema() -> str:
    """The JSON Schema (2020-12) generated from ``Report``; checked in as SCHEMA_RESOURCE."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "diag report, version 1",
        **msgspec.json.schema(Report),
    }
    return json.dumps(_flowing(schema), indent=2) + "\n"


def published_schema() -> str:
    """The schema as it is shipped."""
    return resources.files("diag.report").joinpath(SCHEMA_RESOURCE).read_text("utf-8")


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
