"""The load generator's process: real gRPC calls from a fixed number of threads.

It reads one JSON object (a :class:`LoadOrder`) from stdin, sends requests until stdin ends, and
then writes one JSON object with every call to stdout. It imports neither TensorFlow nor numpy, and
request messages come as serialised bytes: the load must take little time of the cores that it
shares with the server.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from diag.demo.arrivals import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREDICT = "/tensorflow.serving.PredictionService/Predict"
# Limit of requests in flight in an open loop. Further ones are sent late; their latency still
# counts from the due time.
OPEN_LOOP_THREADS = 32
OK = 0


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """A stream of requests.

    Attributes:
        model: Name of the model, used as a label in the results.
        payloads: Files with one serialised ``PredictRequest`` each, sent in turn.
        arrivals: When the requests are sent.
    """

    model: str
    payloads: tuple[str, ...]
    arrivals: Arrivals


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """The load that one process sends.

    Attributes:
        address: ``host:port`` of the server's gRPC.
        streams: Streams, sent at the same time.
        deadline_s: Deadline of every call, in seconds.
    """

    address: str
    streams: tuple[StreamOrder, ...]
    deadline_s: float

    def to_json(self) -> str:
        """The order as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> LoadOrder:
        """Parse what :meth:`to_json` wrote."""
        raw = json.loads(text)
        streams = tuple(
            StreamOrder(s["model"], tuple(s["payloads"]), Arrivals(**s["arrivals"]))
            for s in raw["streams"]
        )
        return cls(raw["address"], streams, raw["deadline_s"])


@dataclass(frozen=True, slots=True)
class ClientCall:
    """One call by the client's clock.

    Attributes:
        model: Label of its stream.
        due_unix_ns: When it should have been sent. Latency counts from here, so that calls which a
            stalled server delays are not lost from the statistics (coordinated omission).
        sent_unix_ns: When it was sent.
        done_unix_ns: When the answer arrived.
        status_code: gRPC's status number, 0 for OK.
    """

    model: str
    due_unix_ns: int
    sent_unix_ns: int
    done_unix_ns: int
    status_code: int


class LoadGenerator:
    """Sends the streams of an order until ``stop`` is called."""

    def __init__(self, order: LoadOrder) -> None:
        self._order = order
        self._stopping = threading.Event()
        self._calls: queue.SimpleQueue[ClientCall] = queue.SimpleQueue()
        self._channel = grpc.insecure_channel(
            order.address, options=[("grpc.max_receive_message_length", -1)]
        )
        self._predict = self._channel.unary_unary(PREDICT)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start all threads; their number does not change afterwards."""
        for stream in self._order.streams:
            payloads = [Path(path).read_bytes() for path in stream.payloads]
            self._threads += [
                threading.Thread(target=run, daemon=True) for run in self._loops(stream, payloads)
            ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[ClientCall]:
        """Wait for the calls in flight; return all calls in the order of their due times."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._channel.close()
        calls = [self._calls.get_nowait() for _ in range(self._calls.qsize())]
        return sorted(calls, key=lambda call: call.due_unix_ns)

    def _loops(self, stream: StreamOrder, payloads: list[bytes]) -> list[Callable[[], None]]:
        arrivals = stream.arrivals
        if arrivals.kind == "closed":
            return [
                partial(self._closed_loop, stream.model, payloads, first)
                for first in range(arrivals.concurrency)
            ]
        schedule = _Schedule(arrivals.due_ns())
        return [partial(self._open_loop, stream.model, payloads, schedule)] * OPEN_LOOP_THREADS

    def _closed_loop(self, model: str, payloads: list[bytes], first: int) -> None:
        index = first
        while not self._stopping.is_set():
            if self._call(model, payloads[index % len(payloads)], time.time_ns()) != OK:
                self._stopping.wait(0.05)  # do not overload a failing server
            index += 1

    def _open_loop(self, model: str, payloads: list[bytes], schedule: _Schedule) -> None:
        while not self._stopping.is_set():
            index, due_unix_ns = schedule.take()
            if self._stopping.wait(max(0, due_unix_ns - time.time_ns()) / 1e9):
                return
            self._call(model, payloads[index % len(payloads)], due_unix_ns)

    def _call(self, model: str, payload: bytes, due_unix_ns: int) -> int:
        sent = time.time_ns()
        status = OK
        try:
            self._predict(payload, timeout=self._order.deadline_s)
        except grpc.RpcError as error:
            status = error.code().value[0]
        self._calls.put(ClientCall(model, due_unix_ns, sent, time.time_ns(), status))
        return status


class _Schedule:
    """Gives the due times of a stream to the threads that share it."""

    def __init__(self, due_ns: Iterator[int]) -> None:
        self._due_ns = due_ns
        self._start_unix_ns = time.time_ns()
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> tuple[int, int]:
        with self._lock:
            index = self._taken
            self._taken += 1
            return index, self._start_unix_ns + next(self._due_ns)


def main() -> int:
    """Run one order from stdin; see the module's docstring."""
    generator = LoadGenerator(LoadOrder.from_json(sys.stdin.readline()))
    generator.start()
    sys.stdout.write(json.dumps({"started_unix_ns": time.time_ns()}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()  # ends when the parent closes it, or dies
    calls: list[dict[str, Any]] = [asdict(call) for call in generator.stop()]
    json.dump({"calls": calls}, sys.stdout)
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
