"""Small servers on real sockets with TensorFlow Serving's protocols, for tests of errors.

The behaviour (status codes, texts, one session per process, what each generation knows) is that of
tsl/profiler/rpc/profiler_service_impl.cc as measured on TensorFlow 2.20 and 2.21.
"""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from diag.formats.wire.profiler_pb2 import (
    GetSnapshotRequest,
    ProfileRequest,
    ProfileResponse,
    TerminateRequest,
    TerminateResponse,
)
from diag.formats.wire.serving_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
    SignatureDefMap,
)
from diag.testing.xspace_builder import build_space

BUSY = "Another profiling session active."
REQUESTS = """
    line grpc-1
      BatchingSessionRun 1..9ms
        ScheduleWithoutSplit 1.1..1.3ms batching_input_task_size=2
          ScheduleOutputTask 1.2..1.25ms size=2 _p=100
      BatchingSessionRun 10..18ms
        ScheduleWithoutSplit 10.1..10.3ms batching_input_task_size=2
          ScheduleOutputTask 10.2..10.25ms size=2 _p=101
    line batch_threads_/1
      ProcessBatch 4..8.5ms _c=100 batch_size_before_padding=2
        MergeInputTensors 4.1..4.2ms batch_size_after_padding=2 padding_amount=0
        SessionRun 4.3..8ms id=1 _p=1
      ProcessBatch 13..17.5ms _c=101 batch_size_before_padding=2
        MergeInputTensors 13.1..13.2ms batch_size_after_padding=2 padding_amount=0
        SessionRun 13.3..17ms id=2 _p=2
"""
# A request that began before the window or ended after it leaves only its finished parts.
PARTS = """
    line grpc-1
      ScheduleOutputTask 1.2..1.25ms size=2 _p=100
    line batch_threads_/1
      ProcessBatch 4..8.5ms _c=100 batch_size_before_padding=2
        MergeInputTensors 4.1..4.2ms batch_size_after_padding=2 padding_amount=0
        SessionRun 4.3..8ms id=1 _p=1
"""
NOTHING = """
    line idle
"""


def space_of(lines: str, started_unix_ns: int | None = None) -> bytes:
    """An XSpace with these lines on the host plane, recorded just now."""
    start = time.time_ns() if started_unix_ns is None else started_unix_ns
    text = f"env profile_start_time={start}u\nplane /host:CPU\n{lines}"
    return build_space(text)


@dataclass
class Serving:
    """A profiler and model service; change the fields before or between calls.

    Attributes:
        generation: ``2.21``, ``2.20`` (file only) or ``none`` (no profiler).
        lines: What a recording holds.
        garbage: Sent instead of a ProfileResponse.
        raw: Sent instead of ``lines``, e.g. corrupt bytes.
        continuous: A continuous session is running.
        hang: Profile is not answered before the client gives up.
        refusal: Every call ends with this.
        models: Version states by name; ``None`` has no model service.
        want_token: Refuse calls without this authorization header.
        refused_profiles: Calls of Profile that are refused first, for lack of a resource.
        refused_text: What these calls are refused with.
        hold_s: How long a Predict takes, on a thread of its own.
    """

    generation: str = "2.21"
    lines: str = REQUESTS
    garbage: bytes | None = None
    raw: bytes | None = None
    busy: bool = False
    continuous: bool = False
    hang: bool = False
    refusal: tuple[grpc.StatusCode, str] | None = None
    models: dict[str, dict[int, int]] | None = None
    want_token: str = ""
    refused_profiles: int = 0
    refused_text: str = "Server Threadpool Exhausted"
    hold_s: float = 0.0
    address: str = ""
    profiles: list[ProfileRequest] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    ended_by: list[str] = field(default_factory=list)
    peers: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    recording: threading.Event = field(default_factory=threading.Event)
    on_profile: Callable[[ProfileRequest], None] = lambda request: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def is_free(self) -> bool:
        """Whether no session holds the profiler."""
        return not self._lock.locked()

    def handler(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = details.method.rpartition("/")[2]
        known: dict[str, tuple[Callable[..., Any], Any]] = {
            "Profile": (self._profile, ProfileRequest),
            "Terminate": (self._terminate, TerminateRequest),
            "Predict": (self._predict, TerminateRequest),
        }
        if self.generation == "2.21":
            known["GetSnapshot"] = (self._snapshot, GetSnapshotRequest)
        if self.generation == "none":
            known = {}
        if self.models is not None:
            known["GetModelStatus"] = (self._status, GetModelStatusRequest)
            known["GetModelMetadata"] = (self._metadata, GetModelMetadataRequest)
        if name not in known:
            return None
        behave, request_type = known[name]

        def serve(request: Any, context: grpc.ServicerContext) -> Any:
            self.calls.append(details.method)
            self.peers.add(context.peer())
            metadata = dict(context.invocation_metadata())
            if self.want_token and metadata.get("authorization") != self.want_token:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
            if self.refusal is not None:
                context.abort(*self.refusal)
            return behave(request, context)

        return grpc.unary_unary_rpc_method_handler(
            serve,
            request_deserializer=request_type.FromString,
            response_serializer=self._serialize,
        )

    def _serialize(self, message: Any) -> bytes:
        if self.garbage is not None and isinstance(message, ProfileResponse):
            return self.garbage
        data: bytes = message.SerializeToString()
        return data

    def _profile(self, request: ProfileRequest, context: grpc.ServicerContext) -> ProfileResponse:
        self.profiles.append(request)
        if self.refused_profiles:
            self.refused_profiles -= 1
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, self.refused_text)
        if self.busy or not self._lock.acquire(blocking=False):
            context.abort(grpc.StatusCode.INTERNAL, BUSY)
        try:
            started = time.time_ns()
            self.recording.set()
            self.on_profile(request)
            ended_by = self._until_end(request, context)
            self.ended_by.append(ended_by)
            data = space_of(self.lines, started) if self.raw is None else self.raw
            if request.emit_xspace and self.generation == "2.21":
                return ProfileResponse(xspace=data)
            if request.repository_root:
                folder = Path(request.repository_root) / request.session_id
                folder.mkdir(parents=True)
                (folder / f"{request.host_name.replace(':', '_')}.xplane.pb").write_bytes(data)
            return ProfileResponse()
        finally:
            self._lock.release()

    def _until_end(self, request: ProfileRequest, context: grpc.ServicerContext) -> str:
        end = time.monotonic() + request.opts.duration_ms / 1e3
        while self.hang or time.monotonic() < end:
            if not context.is_active():
                return "cancelled"
            if request.session_id in self.terminated:
                return "terminated"
            time.sleep(0.002)
        return "time"

    def _predict(self, request: TerminateRequest, context: Any) -> TerminateResponse:
        time.sleep(self.hold_s)
        return TerminateResponse()

    def _terminate(self, request: TerminateRequest, context: Any) -> TerminateResponse:
        self.terminated.append(request.session_id)
        return TerminateResponse()

    def _snapshot(self, request: Any, context: grpc.ServicerContext) -> ProfileResponse:
        if not self.continuous:
            context.abort(grpc.StatusCode.NOT_FOUND, "No continuous profiling session found.")
        return ProfileResponse(xspace=space_of(NOTHING))

    def _status(
        self, request: GetModelStatusRequest, context: grpc.ServicerContext
    ) -> GetModelStatusResponse:
        versions = (self.models or {}).get(request.model_spec.name)
        if versions is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model")
        return GetModelStatusResponse(
            model_version_status=[
                ModelVersionStatus(version=version, state=state)
                for version, state in (versions or {}).items()
            ]
        )

    def _metadata(self, request: GetModelMetadataRequest, context: Any) -> GetModelMetadataResponse:
        definitions = SignatureDefMap()
        signature = definitions.signature_def["serving_default"]
        signature.method_name = "tensorflow/serving/predict"
        signature.inputs["x"].dtype = 1
        signature.inputs["x"].tensor_shape.dim.add(size=-1)
        signature.inputs["x"].tensor_shape.dim.add(size=64)
        signature.outputs["y"].dtype = 7
        signature.outputs["y"].tensor_shape.unknown_rank = True
        response = GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(definitions)
        return response


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return self._serving.handler(details)


@contextmanager
def serving(
    address: str = "127.0.0.1:0",
    credentials: grpc.ServerCredentials | None = None,
    concurrent: int | None = None,
    **settings: Any,
) -> Iterator[Serving]:
    """A running Serving; its ``address`` is where it listens.

    With ``concurrent``, gRPC itself refuses calls beyond so many at a time.
    """
    state = Serving(**settings)
    server = grpc.server(
        futures.ThreadPoolExecutor(8),
        [_Handlers(state)],
        maximum_concurrent_rpcs=concurrent,
        options=[("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)],
    )
    port = (
        server.add_insecure_port(address)
        if credentials is None
        else server.add_secure_port(address, credentials)
    )
    state.address = (
        address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
    )
    server.start()
    try:
        yield state
    finally:
        server.stop(None).wait()


Answer = tuple[int, bytes]


@contextmanager
def http_server(pages: dict[str, Callable[[], Answer] | Answer], port: int = 0) -> Iterator[str]:
    """An HTTP/1 server with these pages; yields its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path, (404, b"not here"))
            status, body = page() if callable(page) else page
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rest_status(versions: dict[int, str]) -> bytes:
    """The body of ``/v1/models/NAME``."""
    return json.dumps(
        {
            "model_version_status": [
                {"version": str(version), "state": state, "status": {"error_code": "OK"}}
                for version, state in versions.items()
            ]
        }
    ).encode()


def metrics_text(count: int, model: str = "m") -> bytes:
    """A page that counts requests of one model."""
    line = f':tensorflow:serving:request_count{{model_name="{model}",status="OK"}} {count}\n'
    return f"# TYPE :tensorflow:serving:request_count counter\n{line}".encode()
