"""``diag/server.json``: the server's models, signatures and batching parameters.

Keys: ``models`` (a list of ``name``, ``version``, ``state``), ``signatures`` (signature definitions
by model, as JSON) and ``batching_parameters`` (the text of the file). A missing value is
``{"unavailable": "the reason"}``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from diag.errors import BundleCorruptError
from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.samples import ServedModel, ServerInfo

_ABSENT = Unavailable("not in the bundle")


class _Server(msgspec.Struct):
    models: Any = msgspec.UNSET
    signatures: Any = msgspec.UNSET
    batching_parameters: Any = msgspec.UNSET


def server_document(info: ServerInfo) -> dict[str, Any]:
    """The document as plain data, for ``BundleWriter.add_server``."""
    fields = {
        "models": info.models,
        "signatures": info.signatures,
        "batching_parameters": info.batching_parameters,
    }
    return {
        name: {"unavailable": value.reason}
        if isinstance(value, Unavailable)
        else msgspec.to_builtins(value)
        for name, value in fields.items()
    }


def decode_server(data: bytes, where: str) -> ServerInfo:
    """Decode ``diag/server.json``; unknown keys are ignored.

    Args:
        data: JSON.
        where: Bundle and part, for messages.

    Raises:
        BundleCorruptError: Not JSON, or a value of the wrong type; the message names its path.
    """
    try:
        server = msgspec.json.decode(data, type=_Server)
        return ServerInfo(
            models=_value(server.models, tuple[ServedModel, ...]),
            signatures=_value(server.signatures, dict[str, Any]),
            batching_parameters=_value(server.batching_parameters, str),
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BundleCorruptError(f"{where}: cannot be read", cause=str(exc)) from exc


def recorded_parameters(
    server: ServerInfo | Unavailable, where: str
) -> BatchingParameters | Unavailable:
    """The batching parameters that a bundle recorded.

    Args:
        server: The decoded ``diag/server.json``.
        where: Path of the bundle and the part, for ``read_from``.

    Raises:
        BatchingParametersError: The text is not a valid batching_parameters_file.
    """
    if isinstance(server, Unavailable):
        return server
    if isinstance(server.batching_parameters, Unavailable):
        return server.batching_parameters
    return replace(parse_batching_parameters(server.batching_parameters), read_from=where)


def _value(value: Any, kind: Any) -> Any:
    if value is msgspec.UNSET:
        return _ABSENT
    if isinstance(value, dict) and value.keys() == {"unavailable"}:
        return Unavailable(msgspec.convert(value["unavailable"], str))
    return msgspec.convert(value, kind)
