"""Corrected files: the same settings in the forms that the server takes.

Only what a file says is rewritten: nothing is added that changes how the server behaves, except
where the server would refuse the value (allowed_batch_sizes that do not end in max_batch_size).
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from diag.formats.text.batching_hints import EXAMPLES
from diag.linting.deployment import model_configs, parameters_of
from diag.linting.documents import ConfigFile, Invented, Kind, ServerCommand
from diag.linting.flags import BOOL, FLAGS, refusal
from diag.linting.reading import INVENTED_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from diag.formats.config.shell_words import Word
    from diag.formats.config.text_proto import Field
    from diag.formats.config.yaml_tree import Node
    from diag.linting import Lint
    from diag.linting.deployment import Deployment
    from diag.linting.flags import FlagUse

BATCHING_NAME, MODELS_NAME, FLAGS_NAME = "batching_parameters.txt", "models.config", "flags.txt"
_PLAIN = ("allowed_batch_sizes", "pad_variable_length_inputs")
_BOOLS = ("pad_variable_length_inputs", "enable_large_batch_splitting")
_MODEL_FIELDS = ("name", "base_path", "model_platform", "model_version_policy", "version_labels")
_SIZES = "allowed_batch_sizes"
_MEMORY = "per_process_gpu_memory_fraction"
_DEPTH_MAX = 30


def corrected_files(found: Lint) -> dict[str, str]:
    """Text by file name, of everything that was in a form that the server does not take.

    A name that occurs twice gets a number. Empty where nothing has to be rewritten.
    """
    files: dict[str, str] = {}
    for name, text in _corrected(found.deployment):
        if text in files.values():
            continue
        path, number = PurePosixPath(name), 2
        while name in files:
            name = f"{path.stem}-{number}{path.suffix}"
            number += 1
        files[name] = text
    return files


def _corrected(deployment: Deployment) -> Iterator[tuple[str, str]]:
    for each in deployment.documents:
        if isinstance(each, Invented):
            yield from _from_invented(each)
        elif isinstance(each, ConfigFile) and each.kind is Kind.BATCHING:
            if parameters_of(each) is None:
                values = _values_of_fields(each.fields)
                if values:
                    yield each.name, _batching_text(values)
        elif isinstance(each, ConfigFile) and each.kind is Kind.MODELS:
            yield from _without_batching(each)
        elif isinstance(each, ServerCommand):
            text = _flags_text(each)
            if text:
                yield FLAGS_NAME, text


def _without_batching(file: ConfigFile) -> Iterator[tuple[str, str]]:
    """A list of models that holds batching settings: both, each in a file of its own."""
    configs = list(model_configs(file))
    inside = [f for config in configs for f in config.fields if f.name in INVENTED_NAMES]
    if not inside:
        return
    texts = [
        "  config {\n"
        + "".join(f"    {_field_text(f, 2)}\n" for f in config.fields if f not in inside)
        + "  }\n"
        for config in configs
    ]
    yield file.name, "model_config_list {\n" + "".join(texts) + "}\n"
    values = _values_of_fields(inside)
    if values:
        yield BATCHING_NAME, _batching_text(values)


def _field_text(field: Field, depth: int) -> str:
    indent = "  " * depth
    if field.is_message:
        inner = "".join(f"{indent}  {_field_text(f, depth + 1)}\n" for f in field.fields)
        return f"{field.name} {{\n{inner}{indent}}}"
    value = json.dumps(field.value, ensure_ascii=False) if field.is_quoted else field.value
    return f"{field.name}: {value}"


def _from_invented(found: Invented) -> Iterator[tuple[str, str]]:
    if found.root is None:
        values = _values_of_fields(found.fields)
        models: list[str] = []
        memory = ""
    else:
        values = dict(_values_of_tree(found.root))
        models = [_model_text(node) for node in found.root.walk() if _is_model(node)]
        memory = next(
            (
                value.text
                for node in found.root.walk()
                for key, value in node.entries
                if key.text == _MEMORY
            ),
            "",
        )
    flags = []
    if models:
        inner = "\n".join(models)
        yield MODELS_NAME, f"model_config_list {{\n{inner}\n}}\n"
        flags.append(f"--model_config_file={MODELS_NAME}")
    if values:
        yield BATCHING_NAME, _batching_text(values)
        flags += ["--enable_batching", f"--batching_parameters_file={BATCHING_NAME}"]
    if re.fullmatch(r"[0-9.]+", memory):
        flags.append(f"--{_MEMORY}={memory}")
    if flags:
        yield FLAGS_NAME, "\n".join(flags) + "\n"


def _values_of_fields(fields: Iterable[Field]) -> dict[str, list[str]]:
    """Values by field, also where braces are missing or other messages stand around them."""
    values: dict[str, list[str]] = {}
    for field in fields:
        if field.name in EXAMPLES:
            wrapped = field.wrapped
            if not wrapped.is_message and _fits(field.name, wrapped.value):
                listed = values.setdefault(field.name, [])
                if field.name != _SIZES:
                    listed.clear()
                listed.append(wrapped.value)
        elif field.is_message:
            for name, inner in _values_of_fields(field.fields).items():
                values.setdefault(name, inner)
    return values


def _values_of_tree(root: Node) -> Iterator[tuple[str, list[str]]]:
    """Values by field, of any mapping in the tree; the first that names one counts."""
    seen = set()
    for node in root.walk():
        for key, value in node.entries:
            if key.text not in EXAMPLES or key.text in seen:
                continue
            inner = value.get("value") or value
            texts = [item.text for item in inner.items] or [inner.text]
            fitting = [text for text in texts if _fits(key.text, text)]
            if fitting:
                seen.add(key.text)
                yield key.text, fitting if key.text == _SIZES else fitting[:1]


def _fits(name: str, value: str) -> bool:
    if name == "thread_pool_name":
        return bool(value)
    if name in _BOOLS:
        return value.lower() in ("true", "false")
    return bool(re.fullmatch(r"-?\d{1,19}", value))


def _batching_text(values: dict[str, list[str]]) -> str:
    """The file; allowed sizes in order and up to max_batch_size, as the server wants them."""
    values = {name: given for name, given in values.items() if _is_accepted(name, given)}
    if _SIZES in values:
        sizes = sorted({int(size) for size in values[_SIZES]})
        limit = int(values.setdefault("max_batch_size", [str(sizes[-1])])[0])
        values[_SIZES] = [str(size) for size in sizes if 0 < size < limit] + [str(limit)]
    lines = []
    for name in EXAMPLES:
        for value in values.get(name, ()):
            written = json.dumps(value) if name == "thread_pool_name" else value.lower()
            lines.append(
                f"{name}: {written}" if name in _PLAIN else f"{name} {{ value: {written} }}"
            )
    return "\n".join(lines) + "\n"


def _is_accepted(name: str, given: list[str]) -> bool:
    """Not a number that the server refuses: without the field, its default holds."""
    least = {"max_batch_size": 1, "num_batch_threads": 1, "max_execution_batch_size": 1}
    if name in least or name in ("batch_timeout_micros", "max_enqueued_batches"):
        return int(given[0]) >= least.get(name, 0)
    return True


def _is_model(node: Node) -> bool:
    return node.kind == "mapping" and node.get("base_path") is not None


def _model_text(node: Node) -> str:
    lines = []
    for name in _MODEL_FIELDS:
        value = node.get(name)
        if value is not None:
            lines.append("    " + _as_text(name, value, 2))
        elif name == "model_platform":
            lines.append('    model_platform: "tensorflow"')
    return "  config {\n" + "\n".join(lines) + "\n  }"


def _as_text(name: str, value: Node, depth: int) -> str:
    """A value of a tree as a field of the text format."""
    indent = "  " * depth
    if value.kind == "mapping" and depth < _DEPTH_MAX:
        inner = "\n".join(
            f"{indent}  {_as_text(_name(key.text), item, depth + 1)}" for key, item in value.entries
        )
        return f"{name} {{\n{inner}\n{indent}}}" if inner else f"{name} {{}}"
    if value.kind == "list":
        return f"\n{indent}".join(_as_text(name, item, depth) for item in value.items)
    text = value.text
    bare = re.fullmatch(r"-?\d+(\.\d+)?|true|false", text)
    return f"{name}: {text if bare else json.dumps(text, ensure_ascii=False)}"


def _name(text: str) -> str:
    return re.sub(r"\W", "_", text)[:100]


def _flags_text(command: ServerCommand) -> str:
    """One flag a line, where the server would not read one of them; "" where it reads all."""
    strays = list(command.arguments.strays)
    lines: list[str] = []
    changed = False
    batching: dict[str, list[str]] = {}
    for use in command.arguments.flags:
        if use.is_implied:
            continue
        if use.name in EXAMPLES and use.value and _fits(use.name, use.value):
            batching.setdefault(use.name, []).append(use.value)
            changed = True
            continue
        if use.name not in FLAGS:
            changed = True
            continue
        written = _flag_text(use, strays)
        changed = changed or written != f"--{use.name}" + (
            "" if use.value is None else f"={use.value}"
        )
        if written:
            lines.append(written)
    if batching:
        names = " ".join(f"{name}={','.join(value)}" for name, value in batching.items())
        lines.append(f"# Into the file of --batching_parameters_file: {names}")
    return "\n".join(lines) + "\n" if changed and lines else ""


def _flag_text(use: FlagUse, strays: list[Word]) -> str:
    if use.value is None and FLAGS[use.name] != BOOL:
        following = [word for word in strays if word.place > use.place]
        if not following:
            return ""
        strays.remove(following[0])
        return f"--{use.name}={following[0].text}"
    if use.value is not None and FLAGS[use.name] == BOOL and refusal(use):
        off = use.value.lower() in ("0", "false", "no", "off")
        return f"--{use.name}={'false' if off else 'true'}"
    return f"--{use.name}" + ("" if use.value is None else f"={use.value}")
