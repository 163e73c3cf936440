"""What an agent allows and refuses, over real gRPC on the loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import msgspec
import pytest

from diag.agent.limits import Limits
from diag.agent.listen import ServerCertificate
from diag.capture.samplers.remote.protocol import DESCRIBE, READ_CLOCK, SAMPLE
from diag.formats.text.samples import decode_samples
from diag.formats.wire.agent_pb2 import (
    ClockReading,
    ClockRequest,
    DescribeRequest,
    Description,
    SampleRequest,
)
from tests.support.agent import MS, TOKEN, CountingSources, SampleCall, agent_here, loads
from tests.support.certificates import make_certificates


def describe(channel: grpc.Channel, token: str = "") -> Description:
    call = channel.unary_unary(DESCRIBE, DescribeRequest.SerializeToString, Description.FromString)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    description: Description = call(DescribeRequest(), timeout=10, metadata=metadata)
    return description


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_samples_come_until_the_client_has_enough_and_all_of_them() -> None:
    with agent_here() as agent, grpc.insecure_channel(agent.address) as channel:
        call = SampleCall(channel, ("host", 10 * MS))
        time.sleep(0.3)
        replies = call.enough()
    readings = loads(replies, msgspec.json.decode)
    assert readings == list(range(1, len(readings) + 1))
    assert 15 <= len(readings) <= 40
    series = decode_samples(replies[-1].lines, "the last reply")
    assert series.period_ns == 10 * MS
    assert series.cost.readings == len(readings)
    assert [reply.ended for reply in replies] == [""] * len(replies)
    assert all(reader.closed for reader in agent.sources.opened)
    assert any(
        line.endswith(f"{len(readings)} samples sent, 0 dropped") and ": host for 0." in line
        for line in agent.log
    )


def test_stop_ends_every_thread_of_the_agent() -> None:
    with agent_here() as agent, grpc.insecure_channel(agent.address) as channel:
        call = SampleCall(channel, ("host", 10 * MS))
        next(call.replies)
        describe(channel)
        agent.server.stop()
        names = {thread.name for thread in threading.enumerate()}
        assert not {name for name in names if name.startswith("diag-agent_")}
        call.enough()


def test_an_agent_says_what_it_is_and_what_it_lacks() -> None:
    with agent_here() as agent, grpc.insecure_channel(agent.address) as channel:
        found = describe(channel)
        clock = channel.unary_unary(
            READ_CLOCK, ClockRequest.SerializeToString, ClockReading.FromString
        )
        before_ns = time.time_ns()
        reading_ns = clock(ClockRequest(), timeout=10).unix_ns
    assert before_ns <= reading_ns <= time.time_ns()
    assert found.protocol == 1
    assert {state.source: state.unavailable for state in found.sources} == {
        "host": "",
        "gpu": "no NVIDIA driver",
    }
    assert found.server == "the server is process 1"


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (("host", 9_999_999), "1 to 100 Hz"),
        (("host", 1_000_000_001), "1 to 100 Hz"),
        (("host", -1), "1 to 100 Hz"),
        (("disk", 0), "disk"),
    ],
)
def test_what_cannot_be_sampled_is_refused(wanted: tuple[str, int], reason: str) -> None:
    with agent_here() as agent, grpc.insecure_channel(agent.address) as channel:
        error = SampleCall(channel, wanted).refusal()
        nothing = SampleCall(channel).refusal()
    assert error.code() == nothing.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason in error.details()
    assert agent.sources.opened == []


def test_one_client_too_many_is_refused_until_another_leaves() -> None:
    limits = Limits(clients_max=2)
    with agent_here(limits=limits) as agent, grpc.insecure_channel(agent.address) as channel:
        first = SampleCall(channel, ("host", 0))
        next(first.replies)
        second = SampleCall(channel, ("host", 0))
        next(second.replies)
        error = SampleCall(channel, ("host", 0)).refusal()
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.details() == "2 clients are sampling, no more are admitted"
        assert describe(channel).protocol == 1
        first.cancel()
        assert eventually(lambda: agent.sources.opened[0].closed)
        third = SampleCall(channel, ("host", 0))
        next(third.replies)
        assert loads(second.enough(), msgspec.json.decode)
        assert loads(third.enough(), msgspec.json.decode)


def test_a_client_that_reads_slowly_loses_the_oldest_and_is_told_how_many() -> None:
    # About 200 kB per sample: a few of them fill gRPC's own buffer for the client.
    sources, limits = CountingSources(ballast=3), Limits(buffer_max_samples=5)
    with (
        agent_here(sources=sources, limits=limits) as agent,
        grpc.insecure_channel(agent.address) as channel,
    ):
        call = SampleCall(channel, ("host", 10 * MS))
        time.sleep(1.0)
        replies = call.enough()
    readings = loads(replies, msgspec.json.decode)
    dropped = replies[-1].dropped
    assert dropped > 10
    assert readings == sorted(set(readings))
    assert readings[-5:] == list(range(readings[-1] - 4, readings[-1] + 1))
    assert len(readings) + dropped == readings[-1]
    assert f"{len(readings)} samples sent, {dropped} dropped" in agent.log[-1]


def test_nobody_samples_longer_than_may_be() -> None:
    limits = Limits(duration_max_ns=200 * MS)
    with agent_here(limits=limits) as agent, grpc.insecure_channel(agent.address) as channel:
        replies = list(SampleCall(channel, ("host", 0)).replies)
    assert replies[-1].ended == "the time limit of 0.2 s was reached"
    assert 10 <= len(loads(replies, msgspec.json.decode)) <= 60


def test_a_client_that_does_not_read_at_all_is_sent_away_in_the_end() -> None:
    sources = CountingSources(ballast=10)
    limits = Limits(duration_max_ns=900 * MS, overdue_ns=100 * MS, clients_max=1)
    with (
        agent_here(sources=sources, limits=limits) as agent,
        grpc.insecure_channel(agent.address) as channel,
    ):
        silent = SampleCall(channel, ("host", 10 * MS))
        next(silent.replies)
        time.sleep(1.2)
        assert not sources.opened[0].closed
        agent.server.check()
        assert eventually(lambda: sources.opened[0].closed)
        next(SampleCall(channel, ("host", 0)).replies)
        assert silent.refusal().code() == grpc.StatusCode.CANCELLED


def never() -> Iterator[SampleRequest]:
    """The requests of a client that sends nothing and does not end."""
    threading.Event().wait(10)
    yield from ()


def test_calls_that_ask_for_nothing_keep_no_place_and_shut_nobody_out() -> None:
    limits = Limits(clients_max=1, first_request_ns=600 * MS, pending_grace_ns=100 * MS)
    with agent_here(limits=limits) as agent, grpc.insecure_channel(agent.address) as channel:
        sample = channel.stream_stream(SAMPLE)
        describing = channel.stream_unary(DESCRIBE)
        half_open = [describing.future(never(), timeout=10) for _ in range(30)]
        assert all(Description.FromString(call.result(5)).protocol == 1 for call in half_open[:4])
        idle = [sample(never(), timeout=10) for _ in range(30)]
        time.sleep(0.2)
        assert describe(channel).protocol == 1
        call = SampleCall(channel, ("host", 0))
        next(call.replies)
        time.sleep(0.6)
        agent.server.check()
        assert eventually(lambda: not any(each.is_active() for each in idle))
        assert loads(call.enough(), msgspec.json.decode)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "the agent requires a token"),
        ("a-token-of-someone-else", "the token is wrong"),
        (TOKEN + "x", "the token is wrong"),
        (TOKEN[:-1], "the token is wrong"),
    ],
)
def test_nothing_is_answered_without_the_token(token: str, reason: str) -> None:
    with agent_here(token=TOKEN) as agent, grpc.insecure_channel(agent.address) as channel:
        sampling = SampleCall(channel, ("host", 0), token=token).refusal()
        with pytest.raises(grpc.RpcError) as describing:
            describe(channel, token)
        assert describe(channel, TOKEN).protocol == 1
    for error in (sampling, describing.value):
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
        assert error.details() == reason
    assert agent.sources.opened[:-1] == []
    assert reason in agent.log[0]
    assert TOKEN not in "".join(agent.log)
    assert not token or token not in "".join(agent.log)


def test_there_is_no_other_call_and_no_reflection() -> None:
    names = [
        "/diag.wire.Agent/Shutdown",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ]
    with agent_here() as agent, grpc.insecure_channel(agent.address) as channel:
        for name in names:
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(name)(b"", timeout=10)
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_request_that_is_large_is_not_taken() -> None:
    with agent_here() as agent, grpc.insecure_channel(agent.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            next(channel.stream_stream(SAMPLE)(iter([bytes(10_000)]), timeout=10))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("mutual", [False, True])
def test_tls_is_spoken_with_those_whom_the_authority_signed(tmp_path: Path, mutual: bool) -> None:
    made = make_certificates(tmp_path)
    (tmp_path / "agent.pem").write_bytes(made.server_chain)
    key = tmp_path / "agent.key"
    key.write_bytes(made.server_key)
    key.chmod(0o600)
    identity = ServerCertificate(tmp_path / "agent.pem", key, made.ca_file if mutual else None)
    trusting = grpc.ssl_channel_credentials(made.ca_pem)
    known = grpc.ssl_channel_credentials(
        made.ca_pem, made.client_key.read_bytes(), made.client_cert.read_bytes()
    )
    strange = grpc.ssl_channel_credentials(made.other_ca_file.read_bytes())
    options = [("grpc.ssl_target_name_override", "localhost")]
    with agent_here(identity=identity, token=TOKEN) as agent:
        with grpc.secure_channel(agent.address, known, options) as channel:
            assert describe(channel, TOKEN).protocol == 1
        refused = [grpc.secure_channel(agent.address, strange, options)]
        refused.append(grpc.insecure_channel(agent.address))
        if mutual:
            refused.append(grpc.secure_channel(agent.address, trusting, options))
        for channel in refused:
            with channel, pytest.raises(grpc.RpcError) as caught:
                describe(channel, TOKEN)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert len(agent.sources.opened) == 1


def test_an_agent_that_is_stopped_gives_its_clients_what_it_has() -> None:
    with agent_here() as agent, grpc.insecure_channel(agent.address) as channel:
        call = SampleCall(channel, ("host", 0))
        next(call.replies)
        agent.server.stop()
        replies = list(call.replies)
    assert replies[-1].ended == "the agent was stopped"
    assert loads(replies, msgspec.json.decode)
