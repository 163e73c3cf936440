"""What is wrong with the text of a batching_parameters_file, and how to write it."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any

from diag.errors import BatchingParametersError

if TYPE_CHECKING:
    from google.protobuf import text_format

EXAMPLES = {
    "max_batch_size": "max_batch_size { value: 64 }",
    "batch_timeout_micros": "batch_timeout_micros { value: 2000 }",
    "max_enqueued_batches": "max_enqueued_batches { value: 100 }",
    "num_batch_threads": "num_batch_threads { value: 8 }",
    "thread_pool_name": 'thread_pool_name { value: "batch_threads" }',
    "allowed_batch_sizes": "allowed_batch_sizes: 8",
    "pad_variable_length_inputs": "pad_variable_length_inputs: true",
    "enable_large_batch_splitting": "enable_large_batch_splitting { value: true }",
    "max_execution_batch_size": "max_execution_batch_size { value: 64 }",
}
_FIELDS = tuple(EXAMPLES)
_PLAIN = ("allowed_batch_sizes", "pad_variable_length_inputs")
# Names that people put around the fields; in the file there is nothing around them.
_WRAPPERS = ("batching_parameters", "batching_config", "batching_params")
# Messages of google.protobuf.text_format, protobuf 6 and 7; other messages are passed on unchanged.
_UNKNOWN = re.compile(r'Message type "([\w.]+)" has no field named "([^"]*)"')
_TWICE = re.compile(r'should not have multiple "(\w+)" fields')
_POSITION = re.compile(r"^\d+:\d+ : (?:'.*': )?", re.DOTALL)
_BARE_LIST = re.compile(r"\ballowed_batch_sizes\s*:\s*(\d{1,19}(?:\s*,\s*\d{1,19})+)")
_JSON = re.compile(r"\s*(?:\{|\[\s*[\[{])")
_LIST_MAX = 64


def explain(exc: text_format.ParseError, text: str) -> BatchingParametersError:
    """The error for text that protobuf cannot parse."""
    as_json = _explain_json(text)
    if as_json is not None:
        return as_json
    line = exc.GetLine() or 1
    lines = text.split("\n")
    written = lines[line - 1].split("#")[0] if line <= len(lines) else ""
    bare = _BARE_LIST.search(written)
    if bare is not None:
        sizes = ", ".join(re.findall(r"\d+", bare[1])[:_LIST_MAX])
        return BatchingParametersError(
            f"line {line}: several allowed_batch_sizes without brackets",
            hint=f"write allowed_batch_sizes: [{sizes}], or the field once for each size",
        )
    unknown = _UNKNOWN.search(str(exc))
    if unknown:
        return _unknown_field(line, unknown[1], unknown[2])
    twice = _TWICE.search(str(exc))
    if twice:
        return BatchingParametersError(
            f"line {line}: {twice[1]} is set twice", hint="keep one of the two"
        )
    return BatchingParametersError(
        f"line {line}: {_POSITION.sub('', str(exc))[:200]}", hint=_form_hint(written)
    )


def _unknown_field(line: int, message: str, name: str) -> BatchingParametersError:
    if message.startswith("google.protobuf."):
        return BatchingParametersError(
            f"line {line}: no field {name[:60]!r} here", hint="only { value: … } goes into braces"
        )
    if name in _WRAPPERS:
        return BatchingParametersError(
            f"line {line}: no field {name!r} in a batching_parameters_file",
            hint=f"write the fields alone, without {name} {{ }} around them",
        )
    near = difflib.get_close_matches(name, _FIELDS, n=1)
    nearest = f"did you mean {EXAMPLES[near[0]]}? " if near else ""
    return BatchingParametersError(
        f"line {line}: no field {name[:60]!r} in a batching_parameters_file",
        hint=f"{nearest}valid: {', '.join(_FIELDS)}",
    )


def _form_hint(written: str) -> str:
    """How to write the field on the wrong line."""
    named = [word for word in re.findall(r"[a-z_]{5,}", written) if word in EXAMPLES]
    example = EXAMPLES[named[-1]] if named else ", ".join(EXAMPLES.values())
    return f"it is written {example}"


def _explain_json(text: str) -> BatchingParametersError | None:
    """JSON, with the same fields in the form that the server takes."""
    if not _JSON.match(text):
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    fields = _fields_in(content)
    converted = " ".join(_as_text(name, value) for name, value in fields.items())
    form = converted or ", ".join(EXAMPLES.values())
    return BatchingParametersError(
        "line 1: this is JSON, and the server takes protobuf's text format only",
        hint=f"{'the same' if converted else 'the form'} as text: {form}",
    )


def _fields_in(content: Any) -> dict[str, Any]:
    """The fields of an object, or of the one that is wrapped in it."""
    if not isinstance(content, dict):
        return {}
    for wrapper in _WRAPPERS:
        if isinstance(content.get(wrapper), dict):
            return _fields_in(content[wrapper])
    found = {}
    for name, value in content.items():
        plain = value.get("value") if isinstance(value, dict) else value
        if name in EXAMPLES and _is_plain(name, plain):
            found[name] = plain
    return found


def _is_plain(name: str, value: Any) -> bool:
    if name == "allowed_batch_sizes":
        return isinstance(value, list) and all(type(each) is int for each in value)
    if name == "thread_pool_name":
        return isinstance(value, str)
    return isinstance(value, (bool, int))


def _as_text(name: str, value: Any) -> str:
    if name == "allowed_batch_sizes":
        return f"{name}: [{', '.join(map(str, value[:_LIST_MAX]))}]"
    written = json.dumps(value)
    return f"{name}: {written}" if name in _PLAIN else f"{name} {{ value: {written} }}"
