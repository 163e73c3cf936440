"""TokenInterceptor: refuses calls without the agent's token before they reach a handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from diag.capture.samplers.remote.protocol import AUTHORIZATION
from diag.capture.samplers.remote.token import is_authorized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from diag.agent.service import AgentService


class TokenInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Refuses every call, of any method, that does not carry the token."""

    def __init__(self, token: str, service: AgentService) -> None:
        self._token = token
        self._slots = service.slots

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """The handler of the call, or one that refuses the call."""
        values = [value for name, value in details.invocation_metadata if name == AUTHORIZATION]
        if len(values) == 1 and is_authorized(self._token, values[0]):
            return continuation(details)
        text = "the token is wrong" if values else "the agent requires a token"

        def refuse(requests: Iterator[Any], context: grpc.ServicerContext) -> None:
            del requests
            self._slots.log_refusal(context, text)
            context.abort(grpc.StatusCode.UNAUTHENTICATED, text)

        # A stream handler refuses at once, without waiting for a request that may never come.
        return grpc.stream_stream_rpc_method_handler(refuse)
