"""Status calls during the recording: how long a call waits before any handler, and on the network.

GetModelStatus does next to nothing in the server (model_service_impl.cc reads a map), so that its
latency is that of the network, of gRPC and of the wait for a thread. One call is open at a time;
the first that fails is the last.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc

from diag.capture.server.backoff import is_out_of_threads
from diag.capture.server.model_status import STATUS
from diag.formats.wire.serving_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelSpec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.capture.samplers.reader import Sample
    from diag.capture.server.connection import Connection
    from diag.model.samples import SampledDevice

PERIOD_NS = 100_000_000
# A call that takes longer says enough; the sampler waits 2 s for a reading at the end.
TIMEOUT_S = 1.0
SOURCE = "probe"
LATENCY = "latency_ns"


class StatusProbe:
    """A Reader: each reading is one call on the capture's own channel."""

    source = SOURCE
    period_ns = PERIOD_NS
    devices: tuple[SampledDevice, ...] = ()

    def __init__(self, connection: Connection, model: str) -> None:
        """Prepare to call.

        Args:
            connection: To the server.
            model: A model whose status the server has reported.
        """
        self._connection = connection
        self._request = GetModelStatusRequest(model_spec=ModelSpec(name=model))
        self.units: Mapping[str, str] = {LATENCY: "ns"}
        self.missing: Mapping[str, str] = {}
        self.detail = f"GetModelStatus of {model}, {1_000_000_000 // PERIOD_NS} times a second"

    def read(self) -> Sample:
        """Latency of one call.

        Raises:
            OSError: It failed: the server must not be asked again.
        """
        begun_ns = time.monotonic_ns()
        try:
            self._connection.call_once(STATUS, self._request, GetModelStatusResponse, TIMEOUT_S)
        except grpc.RpcError as exc:
            if is_out_of_threads(exc):
                self._connection.refused += 1
            reason = exc.details() or exc.code().name
            raise OSError(f"GetModelStatus failed, and was not called again: {reason}") from exc
        return {LATENCY: time.monotonic_ns() - begun_ns}

    def timed(self, *, last: bool) -> list[Sample]:
        """None."""
        return []

    def background_cpu_ns(self) -> int:
        """Threads of gRPC are not counted."""
        return 0

    def close(self) -> None:
        """Nothing is held."""
