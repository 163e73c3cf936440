"""Connection: one channel to one address, for every call of a capture.

Methods are called by path, because the messages are ours (diag/formats/wire) while the names are
TensorFlow's.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import Message

from diag.capture.interrupts import Interrupts
from diag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from diag.capture.plan import CapturePlan, TlsOptions
    from diag.capture.server.target import Target

Response = TypeVar("Response", bound=Message)

TICK_S = 0.1
_NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Connection:
    """A gRPC channel over one connection; use it as a context manager.

    Attributes:
        target: Whom it leads to.
        plan: How it is to be made; failures are explained with it.
        reached: Whether the server ever answered, be it with an error.
        interrupts: Held off while gRPC is at work.
    """

    def __init__(
        self, target: Target, plan: CapturePlan, interrupts: Interrupts | None = None
    ) -> None:
        """Make the channel; nothing is sent before the first call.

        Args:
            target: Whom to lead to.
            plan: How.
            interrupts: Held off while gRPC is at work; None for none.

        Raises:
            UsageError: A certificate or key file cannot be read.
        """
        self.target = target
        self.plan = plan
        self.reached = False
        self.interrupts = interrupts or Interrupts()
        self._metadata = plan.headers
        options = _options(target, plan)
        self._channel = (
            grpc.insecure_channel(target.grpc_target, options)
            if plan.tls is None
            else grpc.secure_channel(target.grpc_target, _credentials(plan.tls), options)
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.interrupts.shield():
            self._channel.close()

    def call(
        self, method: str, request: Message, response: type[Response], timeout_s: float
    ) -> Response:
        """Call and wait.

        Args:
            method: Path, e.g. ``/tensorflow.ProfilerService/Terminate``.
            request: Sent as it is.
            response: The type to read the answer as.
            timeout_s: Deadline.

        Raises:
            grpc.RpcError: ``failures.explain`` makes it readable.
            KeyboardInterrupt: While waiting.
        """
        with self.interrupts.shield():
            future = self.start(method, request, response, timeout_s)
            answered = threading.Event()
            future.add_done_callback(lambda _: answered.set())
            try:
                while not answered.wait(TICK_S):
                    self.interrupts.check()
                answer: Response = future.result()
            except grpc.RpcError as exc:
                self.note(exc)
                raise
            finally:
                future.cancel()
            self.reached = True
            return answer

    def start(
        self, method: str, request: Message, response: type[Response], timeout_s: float
    ) -> grpc.Future:
        """Call without waiting, to be used within a shield; as ``call`` otherwise."""
        stub = self._channel.unary_unary(
            method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        return stub.future(request, timeout=timeout_s, metadata=self._metadata or None)

    def stream(
        self, method: str, requests: Iterator[Message], response: type[Response]
    ) -> Iterator[Response]:
        """Call with a stream each way; for a thread that signals do not reach.

        Args:
            method: As of ``call``.
            requests: Asked for on a thread of gRPC's.
            response: As of ``call``.

        Raises:
            grpc.RpcError: By the iterator.
        """
        stub = self._channel.stream_stream(
            method,
            request_serializer=_serialized,
            response_deserializer=response.FromString,
        )
        answers: Iterator[Response] = stub(requests, metadata=self._metadata or None)
        return answers

    def note(self, error: grpc.RpcError) -> None:
        """Learn from a failed call whether the server can be reached at all."""
        if error.code() not in _NO_ANSWER:
            self.reached = True


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _options(target: Target, plan: CapturePlan) -> list[tuple[str, str | int]]:
    return [
        ("grpc.default_authority", plan.authority or target.authority),
        ("grpc.max_receive_message_length", plan.receive_max_bytes),
        # A proxy or a channel shared within the process could lead to another replica.
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
        # A retried Profile would profile a sick server twice.
        ("grpc.enable_retries", 0),
    ]


def _credentials(tls: TlsOptions) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.ca_cert, f"{tls.prefix}ca-cert"),
        private_key=_pem(tls.client_key, f"{tls.prefix}client-key"),
        certificate_chain=_pem(tls.client_cert, f"{tls.prefix}client-cert"),
    )


def _pem(path: Path | None, option: str) -> bytes | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise UsageError(f"{option} {path} cannot be read", cause=exc.strerror or "") from exc
    if b"-----BEGIN " not in data:
        raise UsageError(
            f"{option} {path} is not a PEM file",
            hint=f"openssl x509 -inform der -in {path} -out {path}.pem",
        )
    return data
