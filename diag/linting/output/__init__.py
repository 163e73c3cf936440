"""How problems are written: for people, for editors, for CI systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.linting.output.github import render_github
from diag.linting.output.json_document import render_json
from diag.linting.output.markdown import render_markdown
from diag.linting.output.sarif import render_sarif
from diag.linting.output.text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.linting import Lint

LINT_FORMATS: dict[str, Callable[[Lint], str]] = {
    "text": render_text,
    "json": render_json,
    "markdown": render_markdown,
    "sarif": render_sarif,
    "github": render_github,
}
