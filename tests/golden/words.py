"""Every string of diag that reaches a user, taken from the source: to review words as words.

words.txt has, as templates with ``{…}`` for what is filled in: all phrases of the packages that
write to users, and elsewhere the texts of errors and of unavailable values. Help pages as they are
shown are in command_line/help.txt. The phrases of a rule are at the end of its page in
docs/findings/, so that a new rule brings its words along.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("words.txt")
# Packages in which every phrase is for users.
TALKING = ("cli", "comparison", "demo", "findings", "report", "tables", "tuning")
RULE_HEAD = "<details><summary>All phrases of this finding</summary>\n\n```text"
RULE_TAIL = "```\n\n</details>"
LEFT_OUT = ("findings/rules/", "formats/wire/", "testing/")


def all_words() -> str:
    """A paragraph a module, a line a string, in the order of the source."""
    paragraphs = []
    for path in sorted((ROOT / "diag").rglob("*.py")):
        name = path.relative_to(ROOT / "diag").as_posix()
        if name.startswith(LEFT_OUT):
            continue
        tree = ast.parse(path.read_text())
        found = _phrases(tree) if name.split("/")[0] in TALKING else _errors(tree)
        lines = list(dict.fromkeys(text for text in found if text))
        if lines:
            paragraphs.append("\n".join([f"diag/{name}", *(f"  {line}" for line in lines)]))
    return "\n\n".join(paragraphs) + "\n"


def rule_words(rule: str) -> str:
    """The block at the end of a rule's page, with all its phrases."""
    path = ROOT / "diag" / "findings" / "rules" / f"{rule.replace('-', '_')}.py"
    lines = dict.fromkeys(_phrases(ast.parse(path.read_text())))
    return "\n".join([RULE_HEAD, *lines, RULE_TAIL]) + "\n"


def with_rule_words(page: str, rule: str) -> str:
    """The page with the block renewed, or appended where there is none."""
    return f"{page.partition(RULE_HEAD)[0].rstrip()}\n\n{rule_words(rule)}"


def _phrases(tree: ast.Module) -> Iterator[str]:
    """Strings of more than one word; of docstrings only those that click shows as help."""
    docstrings = {id(node) for node in _docstrings(tree)}
    for node in _in_order(tree):
        text = _text(node)
        if text is not None and id(node) not in docstrings and " " in text.strip():
            yield _one_line(text)


def _errors(tree: ast.Module) -> Iterator[str]:
    """Strings inside calls of ``…Error`` and ``Unavailable``."""
    for call in _in_order(tree):
        if isinstance(call, ast.Call) and _is_told(call.func):
            for node in _in_order(call):
                text = _text(node)
                if text is not None and " " in text.strip():
                    yield _one_line(text)


def _is_told(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "Unavailable" or name.endswith("Error")


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and node.body and not _is_command(node):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def _is_command(node: ast.AST) -> bool:
    """Whether click shows the function's docstring as help."""
    decorators = getattr(node, "decorator_list", [])
    calls = [d.func if isinstance(d, ast.Call) else d for d in decorators]
    names = [call.attr for call in calls if isinstance(call, ast.Attribute)]
    return "command" in names or "group" in names


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes in the order of the source; strings as a whole, without their parts."""
    yield node
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from _in_order(child)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
            else f"{{{ast.unparse(getattr(part, 'value', part))}}}"
            for part in node.values
        )
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
