"""Why an agent provides no samples: texts that continue "the agent at HOST:PORT "."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from diag.capture.samplers.remote.protocol import PROTOCOL
from diag.capture.server.transport_check import check_transport
from diag.errors import WrongProtocolError

if TYPE_CHECKING:
    from diag.capture.server.connection import Connection
    from diag.errors import DiagError
    from diag.formats.wire.agent_pb2 import Description

_TOO_LARGE_TEXT = "larger than max"  # of gRPC on this side
# Longer than any text that an agent sends.
_TEXT_MAX_CHARACTERS = 300


def shorten(text: str) -> str:
    """A text from an agent, cut to the length of a sentence or two."""
    return text if len(text) <= _TEXT_MAX_CHARACTERS else text[:_TEXT_MAX_CHARACTERS] + "…"


def reason_of_failure(error: grpc.RpcError, connection: Connection) -> str:
    """The reason of a failed call.

    Args:
        error: The error of the call.
        connection: To the agent.
    """
    code, details = error.code(), shorten(error.details() or "")
    if code == grpc.StatusCode.UNAUTHENTICATED:
        return (
            "refused the token"
            if connection.options.headers
            else "requires a token, and none was given"
        )
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return "is not a diag agent: another program speaks gRPC on that port"
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE_TEXT in details:
        return "sent a larger message than is accepted"
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return f"is busy: {details}"
    if code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return f"failed ({code.name}: {details})"
    found = None if connection.reached else check_transport(connection.target, connection.options)
    if found is not None:
        return unreached_reason(found)
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return "did not answer in time"
    return f"{'went away' if connection.reached else 'does not answer'} ({details})"


def unreached_reason(error: DiagError) -> str:
    """The reason of a connection that could not be made."""
    if isinstance(error, WrongProtocolError):
        return (
            f"does not answer: {error.message} (diag uses TLS with agents on other machines, and "
            "with any agent if a CA certificate for it is given)"
        )
    return f"does not answer: {error.message} ({error.cause})"


def protocol_mismatch(description: Description) -> str:
    """Why the agent's protocol version does not fit, or ""."""
    if description.protocol == PROTOCOL:
        return ""
    version = shorten(description.diag_version) or "of an unknown version"
    return (
        f"is diag {version} with protocol {description.protocol}, not {PROTOCOL}: install the same "
        "diag on both sides"
    )
