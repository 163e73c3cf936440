"""From paths to documents: what a file is, is told by its content."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diag.errors import InputError, SourceNotFoundError
from diag.formats.config.place import ConfigSyntaxError, Place
from diag.formats.config.text_proto import parse_text_proto
from diag.formats.config.yaml_tree import Node, parse_yaml
from diag.formats.limits import MIB
from diag.formats.regular_file import read_regular
from diag.formats.saved_model.graph import read_graph
from diag.formats.saved_model.warmup import WARMUP_FILE, read_warmup_rows
from diag.formats.text.batching_hints import EXAMPLES
from diag.linting.commands import (
    PROGRAM,
    in_dockerfile,
    in_shell_text,
    in_systemd_unit,
)
from diag.linting.documents import (
    ConfigFile,
    Document,
    Invented,
    Kind,
    SavedModel,
    ServerLog,
    Unreadable,
)
from diag.linting.manifests import commands_in, config_map_entries, is_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILE_MAX_BYTES = 16 * MIB
FILES_MAX = 20_000
PER_MODEL_FILE = "batching_params.pbtxt"
_GRAPH_FILE = "saved_model.pb"
# Names of top-level fields that tell one message of the server from another
# (session_bundle_config, model_server_config, monitoring_config, platform_config and
# ssl_config.proto, 9d981c5c; config.proto, TensorFlow 2.21).
_FIELDS = {
    Kind.BATCHING: frozenset(EXAMPLES),
    Kind.MODELS: frozenset({"model_config_list", "custom_model_config"}),
    Kind.MONITORING: frozenset({"prometheus_config"}),
    Kind.PLATFORM: frozenset({"platform_configs"}),
    Kind.SSL: frozenset({"server_key", "server_cert", "custom_ca", "client_verify"}),
    Kind.SESSION: frozenset(
        {
            "intra_op_parallelism_threads",
            "inter_op_parallelism_threads",
            "gpu_options",
            "graph_options",
            "allow_soft_placement",
            "use_per_session_threads",
            "device_count",
            "session_inter_op_thread_pool",
        }
    ),
}
# What people write around or instead of them; no server knows these names.
INVENTED_NAMES = frozenset(
    {
        "batching_parameters",
        "batching_config",
        "batching_params",
        "gpu_config",
        "gpu_memory",
        "optimization",
        "performance",
        "dynamic_batching",
    }
)
_FIRST_NAME = re.compile(r"^[ \t{]*[\"']?([A-Za-z_]\w*)[\"']?[ \t]*[:{<=]", re.MULTILINE)
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
_DOCKERFILE = re.compile(r"^\s*FROM\s+\S+", re.IGNORECASE | re.MULTILINE)
_UNIT = re.compile(r"^\s*\[Service\]\s*$", re.MULTILINE)
# TensorFlow's own log lines, e.g. "2026-11-28 19:10:12.344: I tensorflow_serving/…".
_LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] ", re.MULTILINE)
_LOG_TEXTS = (
    "unknown argument: ",
    "Failed to start server. Error:",
    "usage: tensorflow_model_server",
)
_MANIFEST = re.compile(r"^(?:kind|services)\s*:", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{-?\s*[.$\w\"(]")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was named, but is nothing that lint reads."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Read:
    """What was found.

    Attributes:
        documents: In order of the paths given, those of a folder by name.
        texts: Of the files by path, for comments that switch rules off.
        skipped: Files that were named and hold nothing to check.
    """

    documents: tuple[Document, ...]
    texts: dict[str, str]
    skipped: tuple[Skipped, ...]


def read_paths(paths: Iterable[Path]) -> Read:
    """Everything that configures a server below these paths.

    Raises:
        SourceNotFoundError: One does not exist.
        InputError: One cannot be read, or there are more than ``FILES_MAX`` files.
    """
    reader = _Reader()
    for path in paths:
        reader.read(path)
    return Read(tuple(reader.documents), reader.texts, tuple(reader.skipped))


class _Reader:
    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.texts: dict[str, str] = {}
        self.skipped: list[Skipped] = []
        self._files = 0

    def read(self, path: Path) -> None:
        if not path.exists():
            raise SourceNotFoundError(f"{path}: no such file or folder", hint="check the path")
        if path.is_dir():
            self._folder(path)
        else:
            self._file(path, is_named=True)

    def _folder(self, folder: Path) -> None:
        """A model's version folders are read as such, and not searched any further."""
        for root, names, files in os.walk(folder):
            names[:] = sorted(name for name in names if not name.startswith("."))
            if _GRAPH_FILE in files:
                self._saved_model(Path(root))
                names[:] = []
                continue
            for name in sorted(files):
                self._files += 1
                if self._files > FILES_MAX:
                    raise InputError(
                        f"{folder}: more than {FILES_MAX:,} files",
                        hint="name the folders that configure the server",
                    )
                self._file(Path(root) / name, is_named=False)

    def _file(self, path: Path, *, is_named: bool) -> None:
        if path.name == _GRAPH_FILE:
            self._saved_model(path.parent)
            return
        if not is_named and (not path.is_file() or path.stat().st_size > FILE_MAX_BYTES):
            return
        data = read_regular(path, FILE_MAX_BYTES)
        if b"\0" in data[:4096]:
            if is_named:
                self.skipped.append(Skipped(str(path), "a binary file"))
            return
        # A byte order mark stays: protobuf's tokenizer in the server skips it, as this one does.
        text = data.decode("utf-8", "backslashreplace")
        found = list(_documents(text, Place(str(path), 1, 1), path.name))
        self.texts[str(path)] = text
        self.skipped += [each for each in found if isinstance(each, Skipped)]
        self.documents += [each for each in found if not isinstance(each, Skipped)]
        if is_named and not found:
            self.skipped.append(Skipped(str(path), "nothing in it configures a server"))

    def _saved_model(self, folder: Path) -> None:
        warmup, graph = folder / WARMUP_FILE, folder / _GRAPH_FILE
        try:
            model = SavedModel(
                place=Place(str(graph)),
                folder=folder,
                model=folder.absolute().parent.name if folder.name.isdigit() else "",
                graph=read_graph(graph),
                warmup_rows=read_warmup_rows(warmup) if warmup.is_file() else None,
                bytes_on_disk=sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()),
                per_model_batching=(folder / PER_MODEL_FILE).is_file(),
            )
        except InputError as exc:
            what = f"{exc.message}: {exc.cause}" if exc.cause else exc.message
            self.documents.append(Unreadable(Place(str(graph)), what))
            return
        self.documents.append(model)
        if model.per_model_batching:
            self._file(folder / PER_MODEL_FILE, is_named=False)


def _documents(text: str, start: Place, name: str) -> Iterator[Document | Skipped]:
    """The documents in a text."""
    if _UNIT.search(text) and "ExecStart" in text:
        yield from in_systemd_unit(text, start)
    elif _DOCKERFILE.search(text) and not _FIRST_NAME.match(text):
        yield from in_dockerfile(text, start)
    elif _LOG_LINE.search(text) or any(each in text for each in _LOG_TEXTS):
        yield ServerLog(start, tuple(text.split("\n")))
    else:
        yield from _by_names(text, start, name)


def _by_names(text: str, start: Place, name: str) -> Iterator[Document | Skipped]:
    if _TEMPLATE.search(text) and "kind:" in text and "apiVersion:" in text:
        yield Skipped(start.path, "a template; check what helm template makes of it")
        return
    if PROGRAM in text:
        commands = list(in_shell_text(text, start))
        if commands and not _MANIFEST.search(text):
            yield from commands
            return
    roots = _yaml_roots(text, start)
    if isinstance(roots, tuple) and any(is_manifest(root) for root in roots):
        for root in roots:
            yield from commands_in(root)
            for entry, value in config_map_entries(root):
                yield from _documents(value.text, value.place, entry)
        return
    kind = _kind_by_names(text)
    if kind is not None:
        yield from _server_message(text, start, name, kind, roots)
        return
    if "--" in text:
        yield from in_shell_text(text, start)


def _yaml_roots(text: str, start: Place) -> tuple[Node, ...] | ConfigSyntaxError:
    """The documents, or why the text is no YAML."""
    if start.line != 1:  # an entry of a ConfigMap, which holds no manifest
        return ()
    try:
        return parse_yaml(text, start.path)
    except ConfigSyntaxError as exc:
        return exc


def _kind_by_names(text: str) -> Kind | None:
    """Which message the names at the beginnings of lines belong to; by the first that tells."""
    without_comments = re.sub(r"#[^\n]*", "", text)
    for found in _FIRST_NAME.finditer(without_comments):
        for kind, names in _FIELDS.items():
            if found[1] in names:
                return kind
        if found[1] in INVENTED_NAMES:
            return Kind.BATCHING
    return None


def _server_message(
    text: str, start: Place, name: str, kind: Kind, roots: tuple[Node, ...] | ConfigSyntaxError
) -> Iterator[Document]:
    """A file for the server: in the text format, or what people write instead."""
    if re.match(r"\s*[{\[]", text):
        tree = roots if isinstance(roots, tuple) else ()
        if tree and tree[0].kind == "mapping":
            yield Invented(start, "JSON", name, root=tree[0])
        else:
            yield Unreadable(start, "begins like JSON, and the server reads no JSON", kind)
        return
    try:
        fields = parse_text_proto(text, start)
    except ConfigSyntaxError as exc:
        if isinstance(roots, tuple) and roots and _has_plain_names(roots[0]):
            yield Invented(start, "YAML", name, root=roots[0])
        elif kind is Kind.BATCHING:  # protobuf's parser says what is wrong with it
            yield ConfigFile(start, name, kind, (), text)
        else:
            yield Unreadable(exc.place, exc.what, kind)
        return
    known = frozenset().union(*_FIELDS.values())
    around = [each for each in fields if each.name in INVENTED_NAMES]
    if around:
        yield Invented(around[0].place, "text", name, fields=tuple(around))
    rest = tuple(each for each in fields if each.name not in INVENTED_NAMES)
    if any(each.name in known for each in rest):
        yield ConfigFile(start, name, kind, rest, text)


def _has_plain_names(root: Node) -> bool:
    """Whether it is a mapping as people write it; YAML takes much of the text format for one."""
    return root.kind == "mapping" and all(
        _PLAIN_NAME.fullmatch(key.text) for key, _ in root.entries
    )
