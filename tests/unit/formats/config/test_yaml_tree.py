"""YAML and JSON with positions."""

from __future__ import annotations

import pytest

from diag.formats.config.place import ConfigSyntaxError
from diag.formats.config.yaml_tree import parse_yaml


def test_values_know_their_places():
    (root,) = parse_yaml("a:\n  - b: 1\n    c: |\n      text\n        more\n", "f")
    item = root.get("a").items[0]
    assert item.get("b").text == "1"
    assert (item.get("b").place.line, item.get("b").place.column) == (2, 8)
    block = item.get("c")
    assert block.text == "text\n  more\n"
    assert (block.place.line, block.place.column) == (4, 7)


def test_json_is_yaml_here():
    (root,) = parse_yaml('{\n "a": [1, {"b": "x"}]}', "f")
    assert root.get("a").items[1].get("b").text == "x"
    assert root.get("a", "b") is None


def test_documents_are_separate():
    assert [root.get("a").text for root in parse_yaml("a: 1\n---\na: 2\n", "f")] == ["1", "2"]


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\ta: 1", "a: &x [*x]", "!!x:y.Z {"])
def test_what_is_no_yaml_is_said(text):
    with pytest.raises(ConfigSyntaxError):
        parse_yaml(text, "f")


def test_aliases_cannot_make_a_small_file_large():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigSyntaxError, match="larger or deeper"):
        parse_yaml("\n".join(lines), "f")


def test_tags_make_no_objects():
    (root,) = parse_yaml("a: !!python/object/apply:os.system ['true']", "f")
    assert root.get("a").items[0].text == "true"
