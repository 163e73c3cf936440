"""Reading a TensorFlow Serving ``batching_parameters_file`` as strictly as the server does.

The file is a BatchingParameters message in protobuf's text format
(tensorflow_serving/servables/tensorflow/session_bundle_config.proto, tensorflow/serving
9d981c5c). A field that the file does not set is None: the server's defaults are not filled in.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from google.protobuf import text_format

from diag.errors import BatchingParametersError
from diag.formats.limits import MIB
from diag.formats.regular_file import read_regular
from diag.formats.text.batching_hints import explain
from diag.formats.text.batching_rules import find_broken_rule
from diag.formats.wire import batching_pb2
from diag.model.batching import BatchingParameters

if TYPE_CHECKING:
    import os

# A path, the text of such a file, or its content.
ParametersSource: TypeAlias = "os.PathLike[str] | str | BatchingParameters"

_FILE_MAX_BYTES = MIB
# Fields that tell "not set" from a value.
_WRAPPED = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
    "thread_pool_name",
    "enable_large_batch_splitting",
    "max_execution_batch_size",
)
_BYTE_ORDER_MARK = "\ufeff"


def load_batching_parameters(source: ParametersSource) -> BatchingParameters:
    """The parameters in a file, in its text, or as they are.

    A ``str`` that contains ``{``, ``:`` or a line break is text, any other ``str`` is a path.

    Raises:
        InputError: As for ``read_batching_parameters``.
        BatchingParametersError: Not a file that the server would accept.
    """
    if isinstance(source, BatchingParameters):
        return source
    if _is_text(source):
        return parse_batching_parameters(source)
    return read_batching_parameters(Path(source))


def batching_parameters_text(source: os.PathLike[str] | str) -> str:
    """The text of a file that the server would accept.

    Args:
        source: A path or the text, as for ``load_batching_parameters``.

    Raises:
        InputError: As for ``read_batching_parameters``.
        BatchingParametersError: Not a file that the server would accept.
    """
    load_batching_parameters(source)
    if _is_text(source):
        return source
    return read_regular(Path(source), _FILE_MAX_BYTES).decode("utf-8")


def _is_text(source: os.PathLike[str] | str) -> TypeGuard[str]:
    return isinstance(source, str) and any(mark in source for mark in "{:\n")


def read_batching_parameters(path: Path, *, for_function: bool = False) -> BatchingParameters:
    """The parameters in a file; ``for_function`` as for ``parse_batching_parameters``.

    Raises:
        InputError: No such file, not a regular file, or larger than 1 MiB.
        BatchingParametersError: The server would not accept the file. The message has path and
            line.
    """
    data = read_regular(path, _FILE_MAX_BYTES)
    try:
        parameters = parse_batching_parameters(data.decode("utf-8"), for_function=for_function)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise BatchingParametersError(
            f"{path}, line {line}: not UTF-8 text", hint="save the file as UTF-8"
        ) from exc
    except BatchingParametersError as exc:
        raise BatchingParametersError(
            f"{path}, {exc.message}", cause=exc.cause, hint=exc.hint
        ) from exc
    return replace(parameters, read_from=str(path))


def parse_batching_parameters(text: str, *, for_function: bool = False) -> BatchingParameters:
    """The parameters in the text of such a file. A byte order mark before it is skipped.

    Args:
        text: The text.
        for_function: Whether the rules of a BatchFunction op hold instead of the model server's.

    Raises:
        BatchingParametersError: Not in protobuf's text format, an unknown field (the hint has the
            most similar one), or a value that the server would refuse at its start.
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)  # protobuf's tokenizer in the server skips it, too
    message = batching_pb2.BatchingParameters()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as exc:
        raise explain(exc, text) from exc
    parameters = _parameters(message)
    broken = find_broken_rule(parameters, for_function=for_function)
    if broken:
        name, rule = broken
        raise BatchingParametersError(
            f"line {_line_of(name, text)}: {name} {rule}",
            hint="the server does not run with such a file; correct it",
        )
    return parameters


def text_of_batching_parameters(parameters: BatchingParameters) -> str:
    """The text of a file with these parameters; what is None is left out."""
    message = batching_pb2.BatchingParameters(
        allowed_batch_sizes=parameters.allowed_batch_sizes,
        pad_variable_length_inputs=parameters.pad_variable_length_inputs,
    )
    for name in _WRAPPED:
        value = getattr(parameters, name)
        if value is not None:
            getattr(message, name).value = value
    return text_format.MessageToString(message)


def _line_of(name: str, text: str) -> int:
    """Number of the line that sets a field last; comments are ignored."""
    lines = [line.split("#")[0] for line in text.split("\n")]
    return max((i for i, line in enumerate(lines, start=1) if name in line), default=1)


def _parameters(message: batching_pb2.BatchingParameters) -> BatchingParameters:
    wrapped: dict[str, Any] = {
        name: getattr(message, name).value for name in _WRAPPED if message.HasField(name)
    }
    return BatchingParameters(
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
        **wrapped,
    )
