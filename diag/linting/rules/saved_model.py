"""Models: what batching and serving will meet in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.text.batching_rules import find_broken_rule
from diag.linting.problem import Advice, problem
from diag.linting.reading import PER_MODEL_FILE
from diag.model.batching import BatchingParameters
from diag.model.finding import RemedyPlace, Severity
from diag.model.preprocess_ops import PREPROCESS_OPS
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.saved_model.graph import BatchOp, Signature, TensorInfo
    from diag.linting.deployment import Deployment, Server
    from diag.linting.documents import SavedModel
    from diag.linting.problem import Problem

IDS = (
    "no-batch-dimension",
    "fixed-batch-dimension",
    "ragged-inputs-padded",
    "shared-input-tensor",
    "python-op-in-graph",
    "preprocessing-in-graph",
    "serial-preprocessing-loop",
    "double-batching",
    "batch-op-refused",
    "compiled-op-without-flag",
    "table-without-initializer",
    "warmup-missing",
    "warmup-misses-batch-sizes",
    "model-exceeds-memory",
)
# Ops that call back into Python, which the server does not have
# (tensorflow/core/ops/script_ops.cc, 2.21).
_PYTHON_OPS = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
# XLA: tensorflow/core/ops/xla_ops (2.21). TensorRT: tensorflow/compiler/tf2tensorrt/ops, 2.17.
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
    """All rules about SavedModels."""
    for saved in deployment.saved_models():
        server = _server_of(deployment, saved)
        batched = _is_batched(server, saved)
        yield from _signatures(saved, server, batched=batched)
        yield from _ops(saved, server)
        yield from _batch_ops(saved, batched=batched)
        yield from _warmup(saved, server, batched=batched)
        yield from _memory(saved, server)


def _server_of(deployment: Deployment, saved: SavedModel) -> Server | None:
    for server in deployment.servers:
        if any(saved in model.saved for model in server.models):
            return server
    return deployment.servers[0] if len(deployment.servers) == 1 else None


def _is_batched(server: Server | None, saved: SavedModel) -> bool:
    if server is None or not server.command.is_on("enable_batching"):
        return False
    per_model = server.command.is_on("enable_per_model_batching_parameters")
    return saved.per_model_batching or not per_model


def _model_advice(action: str) -> Advice:
    return Advice(action, RemedyPlace.SAVED_MODEL)


def _signatures(saved: SavedModel, server: Server | None, *, batched: bool) -> Iterator[Problem]:
    severity = Severity.CRITICAL if batched else Severity.INFO
    suffix = (
        "with --enable_batching, every request to it fails"
        if batched
        else "with --enable_batching, every request to it would fail"
    )
    for signature in saved.graph.signatures:
        scalars = [each for each in signature.inputs if each.shape == ()]
        if scalars:
            yield problem(
                "no-batch-dimension",
                severity,
                saved.place,
                f"{_named(signature)} has {_inputs(scalars)} without a batch dimension: {suffix} "
                "(batching needs a first dimension of equal size in all inputs).",
                _model_advice("Export the signature with None as first dimension of every input."),
            )
        fixed = [each for each in signature.inputs if each.shape and each.shape[0] > 0]
        if fixed and not scalars:
            rows = (fixed[0].shape or (0,))[0]
            yield problem(
                "fixed-batch-dimension",
                severity if rows == 1 or batched else Severity.INFO,
                saved.place,
                f"{_named(signature)} has {_inputs(fixed)} with a first dimension of {rows}: "
                f"{'batches of other sizes fail' if batched else 'it cannot be batched'}.",
                _model_advice("Export the signature with None as first dimension of every input."),
            )
        yield from _ragged(saved, server, signature)
        yield from _shared_tensors(saved, signature)


def _named(signature: Signature) -> str:
    return f"The signature {printable(signature.name, 60)}"


def _inputs(found: list[TensorInfo]) -> str:
    names = ", ".join(printable(each.key, 40) for each in found[:_NAMES_MAX])
    more = f" and {len(found) - _NAMES_MAX} more" if len(found) > _NAMES_MAX else ""
    return f"{'an input' if len(found) == 1 else 'inputs'} ({names}{more})"


def _ragged(saved: SavedModel, server: Server | None, signature: Signature) -> Iterator[Problem]:
    """Inputs whose further dimensions vary are padded with copies of their first element."""
    parameters = server.parameters if server is not None else None
    if parameters is None or not parameters.pad_variable_length_inputs:
        return
    varying = [each for each in signature.inputs if each.shape and -1 in each.shape[1:]]
    if varying:
        yield problem(
            "ragged-inputs-padded",
            Severity.WARNING,
            saved.place,
            f"{_named(signature)} has {_inputs(varying)} of varying length, which "
            "pad_variable_length_inputs fills with copies of the first element: without a mask or "
            "a length, answers change with the batch.",
            _model_advice(
                "Add an input with the length, or a mask, or pad in the client and turn "
                "pad_variable_length_inputs off."
            ),
            sure=False,
        )


def _shared_tensors(saved: SavedModel, signature: Signature) -> Iterator[Problem]:
    by_tensor: dict[str, list[str]] = {}
    for each in signature.inputs:
        by_tensor.setdefault(each.tensor, []).append(each.key)
    for tensor, keys in by_tensor.items():
        if len(keys) > 1:
            yield problem(
                "shared-input-tensor",
                Severity.CRITICAL,
                saved.place,
                f"{_named(signature)} feeds {', '.join(printable(k, 40) for k in keys)} into one "
                f"tensor, {printable(tensor, 60)}: requests that set both are refused.",
                _model_advice("Export the signature with one input for each tensor."),
            )


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
            _model_advice("Replace tf.py_function and tf.numpy_function by TensorFlow ops."),
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
            _model_advice(
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
            _model_advice(
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
            _model_advice("Track the table in the exported module, so that it is saved with it."),
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
                _model_advice("Correct the decorator's arguments and export the model again."),
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


def _warmup(saved: SavedModel, server: Server | None, *, batched: bool) -> Iterator[Problem]:
    if server is not None and not server.command.is_on("enable_model_warmup", default=True):
        return
    rows = saved.warmup_rows
    if rows is None or not rows:
        yield problem(
            "warmup-missing",
            Severity.INFO,
            saved.place,
            "The version has no warm-up requests: the first requests after each load take what "
            "the first run of every shape costs.",
            _model_advice(
                "Write assets.extra/tf_serving_warmup_requests, a TFRecord file of PredictionLog "
                "messages, with one request for each batch size that occurs."
            ),
        )
        return
    if not batched or server is None:
        return
    own = saved.folder / PER_MODEL_FILE
    parameters = server.parameters
    if saved.per_model_batching and own.is_file():
        parameters = None  # its own file decides; it is not looked up here
    sizes = parameters.allowed_batch_sizes if parameters else ()
    missing = [size for size in sizes if size not in rows]
    if missing:
        yield problem(
            "warmup-misses-batch-sizes",
            Severity.INFO,
            saved.place,
            f"No warm-up request has {', '.join(map(str, missing))} rows, which "
            "allowed_batch_sizes makes of batches: the first batch of that size pays for its "
            "first run.",
            _model_advice("Add a warm-up request of each allowed batch size."),
        )


def _memory(saved: SavedModel, server: Server | None) -> Iterator[Problem]:
    limit = server.memory_bytes if server is not None else None
    if limit is not None and saved.bytes_on_disk > limit:
        yield problem(
            "model-exceeds-memory",
            Severity.CRITICAL,
            saved.place,
            f"The model's files take {saved.bytes_on_disk / 1e9:.1f} GB, and the memory limit is "
            f"{limit / 1e9:.1f} GB: the server is killed while it loads, or when a second version "
            "does.",
            Advice("Raise the limit to more than twice the files' size.", RemedyPlace.CONTAINER),
        )
