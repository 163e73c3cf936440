"""Signatures and ops of a saved_model.pb.

Field numbers: tensorflow/core/protobuf/{saved_model,meta_graph}.proto and
tensorflow/core/framework/{graph,node_def,function,op_def,attr_value,tensor_shape}.proto,
TensorFlow 2.21.
"""

from __future__ import annotations

import mmap
import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.errors import InputError
from diag.formats.limits import TRACE_MAX_BYTES
from diag.formats.regular_file import open_regular
from diag.formats.saved_model.signatures import Signature, read_signatures
from diag.formats.saved_model.wire import BYTES, VARINT, WireError, fields, messages, number, text
from diag.formats.saved_model.wire import signed as signed_int

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Ops with functions as attributes (functional_ops.cc, dataset_ops.cc, batch_ops.cc …, 2.21).
_CALLING_OP = re.compile(r"Call|While|If|Case|For|Batch|Map|Reduce|Dataset|Launch|Function|Scan")
_LOOPS = ("While", "StatelessWhile", "MapDefun", "For")
_NAME_MAX = 4096
_MUST_COMPILE = "_XlaMustCompile"  # tensorflow/core/framework/function.h, 2.21
_SERVE = "serve"  # tensorflow/cc/saved_model/tag_constants.h


@dataclass(frozen=True, slots=True)
class BatchOp:
    """A BatchFunction op in the graph and its attributes, as far as they are set."""

    name: str
    numbers: dict[str, int]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SavedModelGraph:
    """What the rules need of a meta graph tagged ``serve``.

    Attributes:
        tags: Of all meta graphs.
        signatures: By name; those that begin with ``__`` are TensorFlow's own and left out.
        ops: How many nodes of each op type the signatures reach, in the graph and its functions.
        batch_ops: The BatchFunction ops among them.
        loop_ops: Likewise as ``ops``, of those in a loop.
        stored_ops: All op types in the file, with those that initialise and save.
        compiled_calls: Functions that must be compiled by XLA (``jit_compile=True``).
        tensorflow: Version that wrote it; "" if not said.
    """

    tags: tuple[tuple[str, ...], ...]
    signatures: tuple[Signature, ...]
    ops: Counter[str]
    batch_ops: tuple[BatchOp, ...]
    loop_ops: Counter[str]
    compiled_calls: tuple[str, ...]
    stored_ops: frozenset[str]
    tensorflow: str


def read_graph(path: Path) -> SavedModelGraph:
    """The graph of a saved_model.pb, read in place.

    Raises:
        InputError: Not such a file, or it has no meta graph tagged ``serve``.
    """
    try:
        tagged = [(meta, tuple(_tags(meta))) for meta in messages(_mapped(path), 2)]
        served = next((meta for meta, tags in tagged if _SERVE in tags), None)
        if served is None:
            raise InputError(
                f"{path}: no meta graph with the tag {_SERVE!r}",
                hint="it is not a SavedModel that the server can load",
            )
        return _graph(served, tuple(tags for _, tags in tagged))
    except WireError as exc:
        raise InputError(f"{path}: not a saved_model.pb", cause=str(exc)) from exc


def _mapped(path: Path) -> memoryview:
    """The file's bytes in place; they are unmapped with the last view of them."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not 0 < size <= TRACE_MAX_BYTES:
            raise InputError(f"{path}: {size:,} bytes", hint="export the model again")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _tags(meta: memoryview) -> Iterator[str]:
    for info in messages(meta, 1):
        for tag in messages(info, 4):
            yield bytes(tag[:100]).decode("utf-8", "backslashreplace")


def _graph(meta: memoryview, tags: tuple[tuple[str, ...], ...]) -> SavedModelGraph:
    """Only what the signatures reach: the graph also holds what saves and restores it."""
    signatures = sorted(read_signatures(meta), key=lambda each: each.name)
    nodes: dict[str, memoryview] = {}
    functions: dict[str, memoryview] = {}
    stored: set[str] = set()
    for graph in messages(meta, 2):
        for node in messages(graph, 1):
            name, op = _name_and_op(node)
            nodes[name] = node
            stored.add(op)
        for library in messages(graph, 2):
            for function in messages(library, 1):
                functions[next((text(each, 1) for each in messages(function, 1)), "")] = function
                stored.update(_op(node) for node in messages(function, 3))
    reached = _Reached(functions)
    for node in _needed(nodes, signatures):
        reached.add_node(node, in_loop=False)
    reached.follow_calls()
    version = next((text(info, 5) for info in messages(meta, 1)), "")
    return SavedModelGraph(
        tags=tags,
        signatures=tuple(signatures),
        ops=reached.ops,
        batch_ops=tuple(reached.batch_ops),
        loop_ops=reached.loop_ops,
        compiled_calls=tuple(reached.compiled),
        stored_ops=frozenset(stored),
        tensorflow=version,
    )


def _needed(nodes: dict[str, memoryview], signatures: Iterable[Signature]) -> Iterator[memoryview]:
    """The nodes of the top graph that outputs depend on, each once."""
    waiting = [each.tensor for signature in signatures for each in signature.outputs]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop().lstrip("^").partition(":")[0]
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        node = nodes[name]
        yield node
        waiting += [str(each[:_NAME_MAX], "utf-8", "replace") for each in messages(node, 3)]


class _Reached:
    """What was met on the way from the outputs through the graph and its functions."""

    def __init__(self, functions: dict[str, memoryview]) -> None:
        self.ops: Counter[str] = Counter()
        self.loop_ops: Counter[str] = Counter()
        self.batch_ops: list[BatchOp] = []
        self.compiled: list[str] = []
        self._functions = functions
        self._waiting: list[tuple[str, bool]] = []
        self._seen: set[tuple[str, bool]] = set()

    def add_node(self, node: memoryview, *, in_loop: bool) -> None:
        op = _op(node)
        self.ops[op] += 1
        if in_loop:
            self.loop_ops[op] += 1
        if op == "BatchFunction":
            self.batch_ops.append(_batch_op(node))
        if op in self._functions:  # a graph of TensorFlow 1 calls a function by its name
            self._call(op, in_loop=in_loop)
        elif _CALLING_OP.search(op):
            inside = in_loop or op in _LOOPS
            for name in _called(node):
                self._call(name, in_loop=inside)

    def follow_calls(self) -> None:
        """Each function counts once, however often it is called."""
        counted: set[str] = set()
        while self._waiting:
            name, in_loop = self._waiting.pop()
            function = self._functions[name]
            if name not in counted and _must_compile(function):
                self.compiled.append(name)
            again = name in counted
            counted.add(name)
            for node in messages(function, 3):
                if again:  # now as part of a loop: its ops are counted already
                    self.loop_ops[_op(node)] += 1
                else:
                    self.add_node(node, in_loop=in_loop)

    def _call(self, name: str, *, in_loop: bool) -> None:
        if name in self._functions and not {(name, True), (name, in_loop)} & self._seen:
            self._seen.add((name, in_loop))
            self._waiting.append((name, in_loop))


def _op(node: memoryview) -> str:
    return _name_and_op(node)[1]


def _name_and_op(node: memoryview) -> tuple[str, str]:
    """NodeDef.name and op, which are written first."""
    found = ["", ""]
    for field, kind, value in fields(node):
        if kind == BYTES and field <= 2 and isinstance(value, memoryview):
            found[field - 1] = str(value[:_NAME_MAX], "utf-8", "backslashreplace")
        if field >= 2:
            break
    return found[0], found[1]


def _called(node: memoryview) -> Iterator[str]:
    """Names in AttrValue.func and AttrValue.list.func."""
    for entry in messages(node, 5):
        for value in messages(entry, 2):
            for called in messages(value, 10):
                yield text(called, 1)
            for listed in messages(value, 1):
                for called in messages(listed, 9):
                    yield text(called, 1)


def _must_compile(function: memoryview) -> bool:
    """FunctionDef.attr[_XlaMustCompile], as tf.function(jit_compile=True) sets it."""
    return any(
        text(entry, 1) == _MUST_COMPILE and any(number(value, 5) for value in messages(entry, 2))
        for entry in messages(function, 5)
    )


def _batch_op(node: memoryview) -> BatchOp:
    numbers: dict[str, int] = {}
    sizes: tuple[int, ...] = ()
    for entry in messages(node, 5):
        name = text(entry, 1)
        for value in messages(entry, 2):
            if name == "allowed_batch_sizes":
                sizes = tuple(_int_list(value))
            else:
                for field, kind, content in fields(value):
                    if kind == VARINT and field in (3, 5) and isinstance(content, int):
                        numbers[name] = signed_int(content)
    return BatchOp(text(node, 1), numbers, sizes)


def _int_list(value: memoryview) -> Iterator[int]:
    """AttrValue.list.i, packed or not."""
    for listed in messages(value, 1):
        for field, kind, content in fields(listed):
            if field != 3:
                continue
            if kind == VARINT and isinstance(content, int):
                yield signed_int(content)
            elif isinstance(content, memoryview):
                yield from _packed(content)


def _packed(data: memoryview) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield signed_int(value & 0xFFFFFFFFFFFFFFFF)
            value = shift = 0
