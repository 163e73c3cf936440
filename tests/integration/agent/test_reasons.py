"""Why an agent provides no samples: each reason separately, in captures that succeed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from diag.agent.listen import ServerCertificate
from diag.capture.plan import AgentAccess, TlsOptions
from diag.capture.samplers.remote.protocol import SERVICE
from diag.capture.session import capture_bundle
from diag.formats.source import open_bundle
from diag.formats.wire.agent_pb2 import (
    ClockReading,
    ClockRequest,
    DescribeRequest,
    Description,
    SampleReply,
    SampleRequest,
)
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries
from tests.support.agent import TOKEN, agent_here, caveats_of, server_of
from tests.support.certificates import Certificates
from tests.support.fast_plan import manifest_of, plan
from tests.support.serving import Serving


def reasons(server: Serving, access: AgentAccess, folder: Path, **changes: Any) -> set[str]:
    """The reasons why there are no samples; the capture itself succeeds."""
    outcome = capture_bundle(plan(server.address, agent=access, **changes), folder / "b")
    capture = open_bundle(outcome.path)
    assert len(capture.planes[1].events) > 0
    assert {"no-host", "no-gpu"} <= caveats_of(outcome).keys()
    assert isinstance(capture.host_samples, Unavailable)
    assert isinstance(capture.gpu_samples, Unavailable)
    return {capture.host_samples.reason, capture.gpu_samples.reason}


def test_nothing_listens_where_the_agent_should(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with server_of() as server:
        (reason,) = reasons(server, AgentAccess(address), tmp_path)
    assert reason.startswith(f"the agent at {address} does not answer: nothing answers")
    assert "refused" in reason


def test_another_program_listens_where_the_agent_should(tmp_path: Path) -> None:
    with server_of() as server:
        (reason,) = reasons(server, AgentAccess(server.address), tmp_path)
    expected = "is not a diag agent: another program speaks gRPC on that port"
    assert reason == f"the agent at {server.address} {expected}"


@pytest.mark.parametrize(
    ("token", "reason"),
    [("", "requires a token"), ("another-token-than-it", "refused the token")],
)
def test_the_token_is_missing_or_wrong(tmp_path: Path, token: str, reason: str) -> None:
    with server_of() as server, agent_here(token=TOKEN) as agent:
        (found,) = reasons(server, AgentAccess(agent.address, token=token), tmp_path)
    assert found.startswith(f"the agent at {agent.address} {reason}")
    assert TOKEN not in found
    assert not token or token not in found


@pytest.mark.parametrize(
    ("tls", "reason"),
    [("none", "speaks TLS, but was called in plaintext"), ("other", "is not trusted")],
)
def test_the_sides_do_not_agree_on_tls(
    tmp_path: Path, certificates: Certificates, identity: ServerCertificate, tls: str, reason: str
) -> None:
    options = TlsOptions(certificates.other_ca_file) if tls == "other" else None
    with server_of() as server, agent_here(identity=identity, token=TOKEN) as agent:
        address = agent.address.replace("127.0.0.1", "localhost")
        (found,) = reasons(server, AgentAccess(address, options, TOKEN), tmp_path)
    assert found.startswith(f"the agent at {address} does not answer: ")
    assert reason in found


def test_a_plaintext_agent_is_asked_for_tls(tmp_path: Path, certificates: Certificates) -> None:
    with server_of() as server, agent_here() as agent:
        access = AgentAccess(agent.address, TlsOptions(certificates.ca_file))
        (found,) = reasons(server, access, tmp_path)
    assert "does not speak TLS" in found


class Impostor:
    """A fake agent that answers as a test defines."""

    def __init__(
        self, protocol: int, lines: bytes, clock_ns: int, repeats: int, **reply: Any
    ) -> None:
        self._description = Description(protocol=protocol, diag_version="9.9")
        self._description.sources.add(source="host", detail="2 cores" * 1000)
        self._description.sources.add(source="gpu", unavailable="no" * 1000)
        self._reply = SampleReply(source="host", lines=lines, **reply)
        self._repeats = repeats
        self._clock_ns = clock_ns

    def describe(self, request: DescribeRequest, context: grpc.ServicerContext) -> Description:
        del request, context
        return self._description

    def read_clock(self, request: ClockRequest, context: grpc.ServicerContext) -> ClockReading:
        del request, context
        return ClockReading(unix_ns=self._clock_ns or time.time_ns())

    def sample(
        self, requests: Iterator[SampleRequest], context: grpc.ServicerContext
    ) -> Iterator[SampleReply]:
        del context
        yield from (self._reply for _ in range(self._repeats))
        assert len(list(requests)) == 1


@contextmanager
def impostor(
    protocol: int = 1, lines: bytes = b"", clock_ns: int = 0, repeats: int = 1, **reply: Any
) -> Iterator[str]:
    behaviour = Impostor(protocol, lines, clock_ns, repeats, **reply)
    handlers = {
        "Describe": grpc.unary_unary_rpc_method_handler(
            behaviour.describe, DescribeRequest.FromString, Description.SerializeToString
        ),
        "ReadClock": grpc.unary_unary_rpc_method_handler(
            behaviour.read_clock, ClockRequest.FromString, ClockReading.SerializeToString
        ),
        "Sample": grpc.stream_stream_rpc_method_handler(
            behaviour.sample, SampleRequest.FromString, SampleReply.SerializeToString
        ),
    }
    server = grpc.server(ThreadPoolExecutor(3))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def test_an_agent_of_another_protocol_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with server_of() as server, impostor(protocol=7) as address:
        (found,) = reasons(server, AgentAccess(address), tmp_path)
    assert "is diag 9.9 with protocol 7, not 1" in found


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (b"<html>\n<html>\n", "line 1: not readable"),
        (b'{"source":"host","period_ns":1,"units":{}}\n[1]\n', "line 2: not readable"),
        (b'{"source":"host","period_ns":1,"units":{}}\n{"unix_ns":-1}\n', "line 2"),
        (b'{"source":"gpu","period_ns":1,"units":{}}\n{"unix_ns":1}\n', "are of gpu, not of host"),
        (bytes(2_000_000), "sent a larger message than is accepted"),
    ],
    ids=["text", "list", "time", "source", "size"],
)
def test_what_is_not_samples_is_a_reason(tmp_path: Path, lines: bytes, reason: str) -> None:
    with server_of() as server, impostor(lines=lines) as address:
        wanted = plan(server.address, agent=AgentAccess(address))
        capture = open_bundle(capture_bundle(wanted, tmp_path / "b").path)
    assert isinstance(capture.host_samples, Unavailable)
    assert reason in capture.host_samples.reason
    assert isinstance(capture.gpu_samples, Unavailable)


HEADER = b'{"source":"host","period_ns":1,"units":{"cpu":"%"}}\n'
ONE = HEADER + b'{"unix_ns":1,"cpu":5}\n'


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (
            {"read_max_ns": -(1 << 63)},
            "reported an impossible reading time: -9,223,372,036,854,775,808 ns",
        ),
        (
            {"read_max_ns": (1 << 63) - 1},
            "reported an impossible reading time: 9,223,372,036,854,775,807 ns",
        ),
        ({"dropped": -10}, "reported an impossible number of dropped samples: -10"),
        (
            {"dropped": (1 << 63) - 1},
            "reported an impossible number of dropped samples: 9,223,372,036,854,775,807",
        ),
        (
            {"clock_ns": -(1 << 63)},
            "sent an invalid time: -9,223,372,036,854,775,808 ns since 1970",
        ),
        (
            {"clock_ns": (1 << 63) - 1},
            "sent an invalid time: 9,223,372,036,854,775,807 ns since 1970",
        ),
    ],
)
def test_numbers_that_cannot_be_cost_the_source_and_not_the_bundle(
    tmp_path: Path, told: dict[str, int], reason: str
) -> None:
    with server_of() as server, impostor(lines=ONE, **told) as address:
        wanted = plan(server.address, agent=AgentAccess(address))
        capture = open_bundle(capture_bundle(wanted, tmp_path / "b").path)
    assert capture.host_samples == Unavailable(f"the agent at {address} {reason}")
    assert not isinstance(capture.manifest, Unavailable)
    assert capture.clocks == ()


def test_texts_of_an_agent_are_cut(tmp_path: Path) -> None:
    missing = (
        HEADER.replace(b"}}", b'},"missing":{"cpu":"%s"}}' % (b"why" * 1000)) + b'{"unix_ns":1}'
    )
    with server_of() as server, impostor(lines=missing) as address:
        wanted = plan(server.address, agent=AgentAccess(address))
        path = capture_bundle(wanted, tmp_path / "b").path
        host = open_bundle(path).host_samples
        sources = manifest_of(path)["sources"]
    assert isinstance(host, SampleSeries)
    assert host.missing["cpu"] == ("why" * 1000)[:300] + "…"
    assert f"{('no' * 1000)[:300]}…" in sources["gpu"]["detail"]
    assert len(sources["gpu"]["detail"]) < 400
    assert len(sources["host"]["detail"]) < 400


@pytest.mark.parametrize(
    "line", [b'{"unix_ns":1,"cpu":5}\n', b'{"unix_ns":1,"cpu":5}' + b" " * 60_000 + b"\n"]
)
def test_an_agent_that_sends_without_end_is_left_at_a_limit(tmp_path: Path, line: bytes) -> None:
    lines = HEADER + line * ((1 << 20) // len(line) - 10)
    with server_of() as server, impostor(lines=lines, repeats=10_000) as address:
        wanted = plan(server.address, agent=AgentAccess(address))
        outcome = capture_bundle(wanted, tmp_path / "b")
    assert "sent more samples than are accepted" in caveats_of(outcome)["agent-lost"]
