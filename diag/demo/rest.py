"""The HTTP side: model status, predict, and the Prometheus text, on TensorFlow Serving's paths."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np

from diag.demo.registry import CODE_NAMES, PredictError, Registry
from diag.demo.servable import VERSION, Servable

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRICS_PATH = "/monitoring/prometheus/metrics"
MAX_BODY_BYTES = 64 * 1024 * 1024
_MODEL_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+))?(?P<verb>:predict)?"
)
# As TensorFlow Serving maps status codes to HTTP (util/net_http/.../http_server.cc).
_HTTP_STATUS = {3: 400, 4: 504, 5: 404, 8: 429, 9: 412, 12: 501, 14: 503}


class RestServer(ThreadingHTTPServer):
    """The HTTP server of one registry."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], registry: Registry) -> None:
        super().__init__(address, _Handler)
        self.registry = registry


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RestServer

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == METRICS_PATH:
            self._send(200, self.server.registry.metrics.render().encode(), "text/plain")
            return
        match = _MODEL_PATH.fullmatch(path)
        if match is None or match["verb"]:
            self._send_json(404, {"error": f"Malformed request: GET {path}"})
            return
        try:
            self.server.registry.find(match["name"], int(match["version"] or 0))
        except PredictError:
            text = f"Could not find any versions of model {match['name']}"
            self._send_json(404, {"error": text})
            return
        status = {"error_code": "OK", "error_message": ""}
        version = {"version": str(VERSION), "state": "AVAILABLE", "status": status}
        self._send_json(200, {"model_version_status": [version]})

    def do_POST(self) -> None:
        arrival_unix_ns = time.time_ns()
        match = _MODEL_PATH.fullmatch(self.path)
        if match is None or not match["verb"]:
            self.close_connection = True  # the body was not read
            self._send_json(404, {"error": f"Malformed request: POST {self.path}"})
            return
        try:
            body = self._body()
            answer, runtime_ns = self._predict(match, body, arrival_unix_ns)
        except PredictError as error:
            status = CODE_NAMES.get(error.code, "UNKNOWN")
            self.server.registry.metrics.count_request(match["name"], status)
            self._send_json(_HTTP_STATUS.get(error.code, 500), {"error": error.text})
            return
        self._send_json(200, answer)
        metrics = self.server.registry.metrics
        metrics.count_request(match["name"], "OK")
        metrics.add_latency(
            match["name"],
            entrypoint="REST",
            request_ns=time.time_ns() - arrival_unix_ns,
            runtime_ns=runtime_ns,
        )

    def _predict(
        self, match: re.Match[str], body: bytes, arrival_unix_ns: int
    ) -> tuple[dict[str, Any], int]:
        registry = self.server.registry
        servable = registry.find(match["name"], int(match["version"] or 0))
        try:
            request = json.loads(body)
        except ValueError as error:
            raise PredictError(3, f"JSON Parse error: {error}") from error
        if not isinstance(request, dict):
            raise PredictError(3, "JSON Value: not an object")
        if ("instances" in request) == ("inputs" in request):
            raise PredictError(3, "exactly one of instances and inputs is needed")
        is_row_format = "instances" in request
        rows = _rows(request["instances" if is_row_format else "inputs"], servable)
        scores, runtime_ns = registry.predict(servable, rows, arrival_unix_ns=arrival_unix_ns)
        return {"predictions" if is_row_format else "outputs": scores.tolist()}, runtime_ns

    def _body(self) -> bytes:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError as error:
            self.close_connection = True
            raise PredictError(3, "Content-Length is missing") from error
        if not 0 <= length <= MAX_BODY_BYTES:
            self.close_connection = True
            raise PredictError(3, f"a body may have at most {MAX_BODY_BYTES} bytes")
        return self.rfile.read(length)

    def _send_json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: stdout and stderr are for the server's own messages."""


def _rows(value: Any, servable: Servable) -> NDArray[Any]:
    """Rows of ``instances`` or ``inputs``, each of which may be wrapped as ``{"inputs": …}``."""
    if isinstance(value, dict) and set(value) == {"inputs"}:
        value = value["inputs"]
    if not isinstance(value, list) or not value:
        raise PredictError(3, "a non-empty list of rows is needed")
    rows = [
        row["inputs"] if isinstance(row, dict) and set(row) == {"inputs"} else row for row in value
    ]
    try:
        if servable.input_dtype.name == "string":
            return np.array([_bytes(row) for row in rows], dtype=object)
        return np.asarray(rows, dtype=servable.input_dtype.as_numpy_dtype)
    except (ValueError, TypeError, binascii.Error) as error:
        raise PredictError(3, f"rows do not fit the model's input: {error}") from error


def _bytes(row: Any) -> bytes:
    if isinstance(row, dict) and set(row) == {"b64"}:
        return base64.b64decode(row["b64"], validate=True)
    if isinstance(row, str):
        return row.encode()
    raise ValueError('expected a string or {"b64": …}')
