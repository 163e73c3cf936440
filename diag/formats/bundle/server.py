"""``diag/server.json``: what the server says about itself.

Keys: ``models`` (a list of ``name``, ``version``, ``state``), ``signatures`` (signature definitions
by model, as JSON) and ``batching_parameters`` (the text of the file). Instead of a value each may
hold ``{"unavailable": "the reason"}``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from diag.errors import BundleCorruptError
from diag.model.availability import Unavailable
from diag.model.samples import ServedModel, ServerInfo

_ABSENT = Unavailable("not in the bundle")


class _Server(msgspec.Struct):
    models: Any = msgspec.UNSET
    signatures: Any = msgspec.UNSET
    batching_parameters: Any = msgspec.UNSET


def server_document(info: ServerInfo) -> dict[str, Any]:
    """The plain data that ``BundleWriter.add_server`` takes."""
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
    """The server's own words; unknown keys are ignored.

    Args:
        data: JSON.
        where: Bundle and part, for messages.

    Raises:
        BundleCorruptError: Not JSON, or a value of the wrong kind; names its path.
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


def _value(value: Any, kind: Any) -> Any:
    if value is msgspec.UNSET:
        return _ABSENT
    if isinstance(value, dict) and value.keys() == {"unavailable"}:
        return Unavailable(msgspec.convert(value["unavailable"], str))
    return msgspec.convert(value, kind)
