"""A collector on a real socket, with the TraceService of the package opentelemetry-proto."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class CollectorStandIn(TraceServiceServicer):
    """Takes what is sent.

    Attributes:
        answers: For the first messages, in order: a status to fail with, or a response. Further
            ones are taken.
        repeats: Whether the last of ``answers`` is given to all further messages.
    """

    answers: list[grpc.StatusCode | ExportTraceServiceResponse] = field(default_factory=list)
    repeats: bool = False
    address: str = ""
    messages: list[ExportTraceServiceRequest] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)

    def Export(  # noqa: N802 - the service names it so
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        self.messages.append(request)
        self.metadata += [(key, value) for key, value in context.invocation_metadata()]
        if not self.answers:
            return ExportTraceServiceResponse()
        answer = self.answers[0] if self.repeats else self.answers.pop(0)
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, "as the test wants")
        return answer

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for message in self.messages
            for group in message.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting(
    stand_in: CollectorStandIn | None = None, credentials: grpc.ServerCredentials | None = None
) -> Iterator[CollectorStandIn]:
    """A running collector; ``address`` says where."""
    stand_in = stand_in or CollectorStandIn()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(stand_in, server)
    port = (
        server.add_insecure_port("127.0.0.1:0")
        if credentials is None
        else server.add_secure_port("127.0.0.1:0", credentials)
    )
    stand_in.address = f"localhost:{port}"
    server.start()
    try:
        yield stand_in
    finally:
        server.stop(None).wait()
