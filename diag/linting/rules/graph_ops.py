"""Ops in the graphs of models: what the server cannot run, and what costs time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.text.batching_rules import find_broken_rule
from diag.linting.problem import Advice, model_advice, problem
from diag.linting.reading import PER_MODEL_FILE
from diag.model.batching import BatchingParameters
from diag.model.finding import RemedyPlace, Severity
from diag.model.preprocess_ops import PREPROCESS_OPS
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.saved_model.graph import BatchOp
    from diag.linting.deployment import Deployment, Server
    from diag.linting.documents import SavedModel
    from diag.linting.problem import Problem

IDS = (
    "python-op-in-graph",
    "preprocessing-in-graph",
    "serial-preprocessing-loop",
    "double-batching",
    "batch-op-refused",
    "compiled-op-without-flag",
    "table-without-initializer",
)
# Ops that call back into Python, which the server does not have
# (tensorflow/core/ops/script_ops.cc, 2.21).
_PYTHON_OPS = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
# tensorflow/compiler/jit/ops/xla_ops.cc, 2.21.
_XLA_OPS = ("XlaLaunch", "_XlaCompile", "_XlaRun", "XlaLaunchV2")
_TABLES = ("HashTable", "HashTableV2")
_TABLE_FILLERS = (
    "InitializeTable",
    "InitializeTableV2",
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
    "InitializeTableFromDataset",
    "LookupTableImport",
    "LookupTableImportV2",
)
_NAMES_MAX = 4


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about ops."""
    for saved in deployment.saved_models():
        server = deployment.server_of_model(saved)
        yield from _ops(saved, server)
        yield from _batch_ops(saved, batched=server is not None and server.batches(saved))


def _ops(saved: SavedModel, server: Server | None) -> Iterator[Problem]:
    ops = saved.graph.ops
    python = [name for name in _PYTHON_OPS if ops[name]]
    if python:
        yield problem(
            "python-op-in-graph",
            Severity.CRITICAL,
            saved.place,
            f"The graph calls Python ({', '.join(python)}), which the server does not have: "
            "requests that reach it fail.",
            model_advice("Replace tf.py_function and tf.numpy_function by TensorFlow ops."),
        )
    named = sorted(name for name in ops if PREPROCESS_OPS.fullmatch(name) and name != "OneHot")
    if named:
        shown = ", ".join(printable(name, 40) for name in named[:_NAMES_MAX])
        yield problem(
            "preprocessing-in-graph",
            Severity.INFO,
            saved.place,
            f"{sum(ops[name] for name in named)} ops of the graph prepare data on the CPU "
            f"({shown}{' and others' if len(named) > _NAMES_MAX else ''}): a GPU waits for them.",
            model_advice(
                "Measure their share with diag capture; if it is large, prepare the data in the "
                "client or in a model of its own."
            ),
            sure=False,
        )
    loops = sorted(name for name in saved.graph.loop_ops if PREPROCESS_OPS.fullmatch(name))
    if loops:
        yield problem(
            "serial-preprocessing-loop",
            Severity.WARNING,
            saved.place,
            f"A loop over rows (map_fn or while_loop) prepares data ({', '.join(loops[:4])}): a "
            "batch takes as long as its rows one after the other.",
            model_advice(
                "Use tf.vectorized_map or ops that take the whole batch, or prepare the data in "
                "the client."
            ),
        )
    compiled = [name for name in _XLA_OPS if ops[name]]
    if saved.graph.compiled_calls:
        compiled.append("jit_compile=True")
    flags = ("xla_cpu_compilation_enabled", "xla_gpu_compilation_enabled")
    if compiled and server is not None and not any(server.command.is_on(f) for f in flags):
        yield problem(
            "compiled-op-without-flag",
            Severity.CRITICAL,
            saved.place,
            f"The graph has parts that XLA compiles ({', '.join(compiled)}), and the server runs "
            "with XLA off: the first request fails.",
            Advice(
                "Add --xla_gpu_compilation_enabled or --xla_cpu_compilation_enabled.",
                RemedyPlace.SERVER_FLAG,
            ),
        )
    if any(ops[name] for name in _TABLES) and not saved.graph.stored_ops.intersection(
        _TABLE_FILLERS
    ):
        yield problem(
            "table-without-initializer",
            Severity.CRITICAL,
            saved.place,
            "The graph has lookup tables and no op that fills them: requests fail with “Table not "
            "initialized”.",
            model_advice("Track the table in the exported module, so that it is saved with it."),
            sure=False,
        )


def _batch_ops(saved: SavedModel, *, batched: bool) -> Iterator[Problem]:
    for op in saved.graph.batch_ops:
        parameters = _as_parameters(op)
        broken = find_broken_rule(parameters, for_function=True)
        if broken:
            yield problem(
                "batch-op-refused",
                Severity.CRITICAL,
                saved.place,
                f"The BatchFunction {printable(op.name, 60)} is refused: {broken[0]} {broken[1]}.",
                model_advice("Correct the decorator's arguments and export the model again."),
            )
    if saved.graph.batch_ops and batched:
        yield problem(
            "double-batching",
            Severity.WARNING,
            saved.place,
            "The graph batches its calls (BatchFunction), and the server batches them "
            "again: each request waits in two queues.",
            Advice(
                "Use one of the two: drop --enable_batching, or with "
                "--enable_per_model_batching_parameters give this model no "
                f"{PER_MODEL_FILE}.",
                RemedyPlace.SERVER_FLAG,
            ),
        )


def _as_parameters(op: BatchOp) -> BatchingParameters:
    return BatchingParameters(
        max_batch_size=op.numbers.get("max_batch_size"),
        batch_timeout_micros=op.numbers.get("batch_timeout_micros"),
        max_enqueued_batches=op.numbers.get("max_enqueued_batches"),
        num_batch_threads=op.numbers.get("num_batch_threads"),
        allowed_batch_sizes=op.sizes,
        enable_large_batch_splitting=bool(op.numbers.get("enable_large_batch_splitting")),
    )
