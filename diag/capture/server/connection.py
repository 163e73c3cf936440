"""Connection: the gRPC channel to one address that all calls of a capture use.

Methods are called by path, because diag has its own message classes (diag/formats/wire) for
TensorFlow's services.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import Message

from diag.capture.interrupts import Interrupts
from diag.capture.server.backoff import Backoff, is_out_of_threads, is_refused
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How to connect to an address.

    Attributes:
        tls: Certificates; None for plaintext.
        tls_parameter: The parameter that holds ``tls``, for messages.
        authority: Name to expect in the certificate and to send; "" for the host's name.
        headers: gRPC metadata that is sent with every call.
        receive_max_bytes: Largest answer that is accepted.
        retry_refused: Whether a call is made again that the server refused for lack of threads.
    """

    tls: TlsOptions | None
    tls_parameter: str = "tls"
    authority: str = ""
    headers: tuple[tuple[str, str | bytes], ...] = ()
    receive_max_bytes: int
    retry_refused: bool = False

    @classmethod
    def of(cls, plan: CapturePlan) -> ConnectionOptions:
        """The options of a plan's server."""
        return cls(
            tls=plan.tls,
            authority=plan.authority,
            headers=plan.headers,
            receive_max_bytes=plan.receive_max_bytes,
            retry_refused=True,
        )


class Connection:
    """A gRPC channel over one connection; use it as a context manager.

    Attributes:
        target: The address.
        options: TLS, headers and limits of the connection.
        reached: Whether the server has answered any call, with a result or an error.
        refused: Calls that the server refused because all its gRPC threads were in use.
        interrupts: Delays signals while gRPC code runs.
    """

    def __init__(
        self,
        target: Target,
        options: ConnectionOptions,
        interrupts: Interrupts | None = None,
    ) -> None:
        """Create the channel; nothing is sent before the first call.

        Args:
            target: The address.
            options: TLS, headers and limits of the connection.
            interrupts: Delays signals while gRPC code runs; None delays none.

        Raises:
            UsageError: A certificate or key file cannot be read.
        """
        self.target = target
        self.options = options
        self.reached = False
        self.refused = 0
        self.interrupts = interrupts or Interrupts()
        self._metadata = options.headers
        arguments = _channel_arguments(target, options)
        self._channel = (
            grpc.insecure_channel(target.grpc_target, arguments)
            if options.tls is None
            else grpc.secure_channel(
                target.grpc_target, _credentials(options.tls, options.tls_parameter), arguments
            )
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
        """Call a method and wait for the answer.

        A call that a TensorFlow server refuses for lack of a resource, such as threads, is made
        again, with growing pauses.

        Args:
            method: Path, e.g. ``/tensorflow.ProfilerService/Terminate``.
            request: The request message.
            response: Type of the answer.
            timeout_s: Time allowed for the call, and for its repetitions.

        Raises:
            grpc.RpcError: The call failed; ``failures.explain`` turns this into a CaptureError.
            KeyboardInterrupt: A signal arrived during the wait.
        """
        backoff = Backoff(timeout_s, self.interrupts)
        while True:
            answer = self._answer(method, request, response, timeout_s)
            if not isinstance(answer, grpc.RpcError):
                return answer
            if not self.options.retry_refused or not is_refused(answer):
                raise answer
            self.refused += is_out_of_threads(answer)
            if not backoff.pause():
                raise answer

    def _answer(
        self, method: str, request: Message, response: type[Response], timeout_s: float
    ) -> Response | grpc.RpcError:
        """The answer to one call, or its error."""
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
                return exc
            finally:
                future.cancel()
            self.reached = True
            return answer

    def call_once(
        self, method: str, request: Message, response: type[Response], timeout_s: float
    ) -> Response:
        """Call a method once and wait; for other threads than the main one, as ``stream``.

        Raises:
            grpc.RpcError: The call failed, or took longer than ``timeout_s``.
        """
        stub = self._channel.unary_unary(
            method,
            request_serializer=_serialized,
            response_deserializer=response.FromString,
        )
        answer: Response = stub(request, timeout=timeout_s, metadata=self._metadata or None)
        return answer

    def start(
        self, method: str, request: Message, response: type[Response], timeout_s: float
    ) -> grpc.Future:
        """Start a call and return its future; use it within ``interrupts.shield``. See ``call``."""
        stub = self._channel.unary_unary(
            method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        return stub.future(request, timeout=timeout_s, metadata=self._metadata or None)

    def stream(
        self, method: str, requests: Iterator[Message], response: type[Response]
    ) -> Iterator[Response]:
        """Call a method with a stream of requests and a stream of answers.

        Use it outside the main thread: signals interrupt only the main thread, and must not
        interrupt gRPC code.

        Args:
            method: As of ``call``.
            requests: Iterated on a thread of gRPC.
            response: As of ``call``.

        Raises:
            grpc.RpcError: From the returned iterator, when the call fails.
        """
        stub = self._channel.stream_stream(
            method,
            request_serializer=_serialized,
            response_deserializer=response.FromString,
        )
        answers: Iterator[Response] = stub(requests, metadata=self._metadata or None)
        return answers

    def note(self, error: grpc.RpcError) -> None:
        """Set ``reached`` if a failed call shows that the server can be reached."""
        if error.code() not in _NO_ANSWER:
            self.reached = True


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _channel_arguments(target: Target, options: ConnectionOptions) -> list[tuple[str, str | int]]:
    return [
        ("grpc.default_authority", options.authority or target.authority),
        ("grpc.max_receive_message_length", options.receive_max_bytes),
        # A proxy or a channel shared within the process could lead to another replica.
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
        # A retried Profile would profile an overloaded server twice.
        ("grpc.enable_retries", 0),
    ]


def _credentials(tls: TlsOptions, parameter: str) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.ca_cert, f"{parameter}.ca_cert"),
        private_key=_pem(tls.client_key, f"{parameter}.client_key"),
        certificate_chain=_pem(tls.client_cert, f"{parameter}.client_cert"),
    )


def _pem(path: Path | None, parameter: str) -> bytes | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise UsageError(
            f"`{parameter}` {path} cannot be read", cause=exc.strerror or "", parameter=parameter
        ) from exc
    if b"-----BEGIN " not in data:
        raise UsageError(
            f"`{parameter}` {path} is not a PEM file",
            hint=f"openssl x509 -inform der -in {path} -out {path}.pem",
            parameter=parameter,
        )
    return data
