"""Why an agent gives nothing: half sentences that follow "the agent at HOST:PORT "."""

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

_TOO_LARGE_TEXT = "larger than max"  # gRPC's own, of this side


# Long enough for any sentence of ours.
_TEXT_MAX_CHARACTERS = 300


def shorten(text: str) -> str:
    """What a stranger said, without what is beyond a sentence or two."""
    return text if len(text) <= _TEXT_MAX_CHARACTERS else text[:_TEXT_MAX_CHARACTERS] + "…"


def reason_of_failure(error: grpc.RpcError, connection: Connection) -> str:
    """What a failed call means."""
    code, details = error.code(), shorten(error.details() or "")
    if code == grpc.StatusCode.UNAUTHENTICATED:
        return (
            "refused the token: it is not the agent's"
            if connection.plan.headers
            else "wants a token: --agent-token-file FILE, or the variable DIAG_AGENT_TOKEN"
        )
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return "is none: something else speaks gRPC there"
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE_TEXT in details:
        return "sent more at once than can be taken"
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return f"is busy: {details}"
    if code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return f"failed ({code.name}: {details})"
    found = None if connection.reached else check_transport(connection.target, connection.plan)
    if found is not None:
        return unreached_reason(found)
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return "gave no answer in time"
    return f"{'went away' if connection.reached else 'does not answer'} ({details})"


def unreached_reason(error: DiagError) -> str:
    """What it means that no connection could be made."""
    if isinstance(error, WrongProtocolError):
        return (
            f"does not answer: {error.message} (TLS is spoken to any machine but this one, and "
            "with --agent-ca-cert)"
        )
    return f"does not answer: {error.message} ({error.cause})"


def protocol_mismatch(description: Description) -> str:
    """Why a description cannot be used; "" if it can."""
    if description.protocol == PROTOCOL:
        return ""
    version = shorten(description.diag_version) or "of an unknown version"
    return (
        f"is of diag {version} and speaks protocol "
        f"{description.protocol}, not {PROTOCOL}: install the same diag on both sides"
    )
