"""Agents for tests: in this process with test sources, or ``diag agent`` as a program."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import grpc

from diag.agent.limits import Limits
from diag.agent.listen import ListenOptions, ServerCertificate, resolve_listen_address
from diag.agent.server import AgentServer
from diag.agent.service import AgentService
from diag.capture.samplers.remote.protocol import SAMPLE
from diag.capture.session import CaptureOutcome
from diag.formats.wire.agent_pb2 import SampleReply, SampleRequest, Wanted
from diag.model.availability import Unavailable
from tests.support.serving import REQUESTS, Serving, serving

HERE = socket.gethostname()
ROOT = Path(__file__).parents[2]
TOKEN = "correct-horse-battery-staple"
MS = 1_000_000


class CountingReader:
    """Reads 1, 2, 3, ...; each sample has ``ballast`` lists of about 70 kB."""

    source = "host"
    missing: Mapping[str, str] = {}
    devices = ()
    detail = "counting"

    def __init__(self, period_ns: int, ballast: int) -> None:
        self.period_ns = period_ns or 10 * MS
        self.closed = False
        self._ballast = {f"ballast_{index}": [100 / 3] * 4000 for index in range(ballast)}
        self.units = {"load_1m": "tasks", **dict.fromkeys(self._ballast, "%")}
        self._reading = 0

    def read(self) -> dict[str, Any]:
        self._reading += 1
        return {"load_1m": self._reading, **self._ballast}

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        return []

    def background_cpu_ns(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


@dataclass
class CountingSources:
    """Sources with a counting host and without a GPU."""

    ballast: int = 0
    opened: list[CountingReader] = field(default_factory=list)

    def open(self, source: str, period_ns: int) -> CountingReader | Unavailable:
        if source != "host":
            return Unavailable("no NVIDIA driver")
        self.opened.append(CountingReader(period_ns, self.ballast))
        return self.opened[-1]

    def server(self) -> str:
        return "the server is process 1"


@dataclass
class Running:
    """An agent in this process."""

    address: str
    server: AgentServer
    sources: CountingSources
    log: list[str]


@contextmanager
def agent_here(
    *,
    sources: CountingSources | None = None,
    limits: Limits | None = None,
    identity: ServerCertificate | None = None,
    token: str = "",
    listen: str = "127.0.0.1:0",
) -> Iterator[Running]:
    """A running AgentServer."""
    sources, log = sources or CountingSources(), list[str]()
    service = AgentService(sources, limits or Limits(), log.append)
    server = AgentServer(ListenOptions(resolve_listen_address(listen), identity, token), service)
    server.start()
    try:
        yield Running(server.address, server, sources, log)
    finally:
        server.stop()


class SampleCall:
    """A client of Sample that a test controls."""

    def __init__(self, channel: grpc.Channel, *wanted: tuple[str, int], token: str = "") -> None:
        self._requests: Queue[SampleRequest | None] = Queue()
        requests = [Wanted(source=source, period_ns=period_ns) for source, period_ns in wanted]
        self._requests.put(SampleRequest(wanted=requests))
        call = channel.stream_stream(
            SAMPLE, SampleRequest.SerializeToString, SampleReply.FromString
        )
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self.replies: Any = call(iter(self._requests.get, None), metadata=metadata, timeout=30)

    def enough(self) -> list[SampleReply]:
        """Close the client's side and return the remaining replies."""
        self._requests.put(None)
        return list(self.replies)

    def refusal(self) -> grpc.RpcError:
        """The error that the call must end with."""
        try:
            replies = self.enough()
        except grpc.RpcError as exc:
            return exc
        raise AssertionError(f"not refused, but answered with {len(replies)} replies")

    def cancel(self) -> None:
        self.replies.cancel()
        self._requests.put(None)


@dataclass
class Child:
    """``diag agent`` in a process of its own."""

    process: subprocess.Popen[str]
    address: str

    def ended(self) -> tuple[int, list[str]]:
        """Exit status and the rest of its log, after it has ended by itself."""
        _, text = self.process.communicate(timeout=20)
        return self.process.returncode, text.splitlines()


@contextmanager
def agent_child(
    *arguments: str, environment: Mapping[str, str] = os.environ, listen: str = "127.0.0.1:0"
) -> Iterator[Child]:
    """A running ``diag agent``; killed at the end if it still runs."""
    command = [sys.executable, "-m", "diag", "agent", "--listen", listen, *arguments]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=dict(environment)
    ) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            found = re.search(r" listening on (\S+) \(", first)
            assert found, first + process.stderr.read()
            yield Child(process, found[1])
        finally:
            process.kill()


def loads(replies: Iterable[SampleReply], decode: Callable[[bytes], Any]) -> list[int]:
    """The readings in the replies of a CountingReader, in order."""
    lines = [line for reply in replies for line in reply.lines.splitlines()[1:]]
    return [decode(line)["load_1m"] for line in lines]


@contextmanager
def server_of(hostname: str = HERE, **settings: Any) -> Iterator[Serving]:
    """A server whose traces bear this host's name."""
    with serving(lines=f"hostname {hostname}\n{REQUESTS}", **settings) as server:
        yield server


def caveats_of(outcome: CaptureOutcome) -> dict[str, str]:
    """Text by code."""
    return {caveat.code: caveat.text for caveat in outcome.caveats}
