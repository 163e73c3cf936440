"""A trace without names: the same events at the same times under other names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError

from diag.formats.trace import _rewrite
from diag.formats.trace import event_names as ev
from diag.formats.wire.profiler_pb2 import ProfileOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.formats.redaction.names import Names
    from diag.model.events import Space


def learn_from_trace(space: Space, names: Names) -> None:
    """Take the names of models and hosts that a trace tells, to hide them wherever they are."""
    for host in space.hostnames:
        names.learn_host(host)
    for plane in space.planes:
        models = plane.events.stat(ev.STAT_MODEL_ID)
        for index in np.unique(models.values).tolist():
            label = plane.events.names[index]
            model, colon, version = label.rpartition(":")
            names.learn(model if colon and version.isdigit() else label, "model")


def redact_trace(data: bytes, names: Names) -> bytes:
    """The XSpace with other texts; TensorBoard opens it, and the analysis has the same numbers.

    Bytes are left out but for the session's options, of which the numbers stay: HLO modules name
    everything, and nothing of them is used.

    Args:
        data: A serialized XSpace.
        names: Has learned what the trace tells.

    Raises:
        XSpaceDecodeError: The bytes are truncated or corrupt.
    """
    return _rewrite.rewrite(
        data,
        _on_bytes(names.trace),
        _on_bytes(names.message),
        _on_bytes(names.learn_host),
        _options,
    )


def _on_bytes(replaced: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """The same for UTF-8; other bytes are spelt out first."""
    return lambda told: replaced(told.decode("utf-8", "backslashreplace")).encode()


def _options(blob: bytes) -> bytes:
    """The numbers of a ProfileOptions; nothing of other bytes.

    Bytes of another kind that can be read as options give numbers only, too.
    """
    try:
        options = ProfileOptions.FromString(blob)
    except DecodeError:
        return b""
    options.DiscardUnknownFields()
    return options.SerializeToString(deterministic=True)
