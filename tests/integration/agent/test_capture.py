"""Whole captures with an agent: real processes, real gRPC, a scripted driver library."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from diag.agent.listen import ServerCertificate
from diag.capture.plan import MS, AgentAccess, TlsOptions
from diag.capture.session import capture_bundle
from diag.cli import main
from diag.errors import RequiredSourceError, UsageError
from diag.formats.source import open_bundle
from diag.formats.wire.profiler_pb2 import ProfileRequest
from diag.model.capture import Capture
from diag.model.samples import SamplerCost, SampleSeries
from tests.support.agent import HERE, TOKEN, agent_child, agent_here, caveats_of, server_of
from tests.support.certificates import Certificates
from tests.support.fast_plan import manifest_of, plan
from tests.support.nvml_standin import build_standin, standin_environment


def secret(folder: Path, text: str = TOKEN) -> Path:
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(f"{text}\n")
    return path


def test_a_bundle_holds_the_gpu_and_host_samples_that_the_agent_took(
    tmp_path: Path, certificates: Certificates, identity: ServerCertificate
) -> None:
    """Everything as in production: two programs, TLS, a token, a driver."""
    script = f"gpus 2; 1 utilization 80; 1 process {os.getpid()} memory=1000000 sm=55"
    driver = standin_environment(build_standin(tmp_path / "nvml"), script)
    token, bundle = secret(tmp_path), tmp_path / "bundle"
    ears = ["--tls-cert", str(identity.cert), "--tls-key", str(identity.key)]
    with server_of() as server:
        ears += ["--token-file", str(token), "--server-port", str(server.port)]
        with agent_child(*ears, environment=driver) as agent:
            address = agent.address.replace("127.0.0.1", "localhost")
            status = main(
                [
                    *("capture", "--server", server.address, "-o", str(bundle)),
                    *("--duration", "500ms", "--no-warmup", "--metrics", "off", "-q"),
                    *("--agent", address, "--agent-ca-cert", str(certificates.ca_file)),
                    *("--agent-token-file", str(token), "--require", "gpu,host"),
                ]
            )
            agent.process.terminate()
            ended, log = agent.ended()
    assert status == 0
    capture, manifest = open_bundle(bundle), manifest_of(bundle)
    gpu, host = capture.gpu_samples, capture.host_samples
    assert isinstance(gpu, SampleSeries)
    assert isinstance(host, SampleSeries)
    assert {gpu.taken_by, host.taken_by} == {address}
    assert len(gpu.devices) == 2
    assert {sample["utilization_percent"][1] for sample in used(gpu)} == {80}
    assert isinstance(gpu.cost, SamplerCost)
    lists = [sample["processes"][1] for sample in gpu.samples if "processes" in sample]
    assert {record["is_server"] for records in lists for record in records} == {True}
    # The agent found the server's process by itself: this one.
    ours = psutil.Process().memory_info().rss
    assert 0.7 * ours < host.samples[-1]["server_memory_bytes"] <= 1.3 * ours
    window = manifest["window"]
    for series in (gpu, host):
        times = [sample["unix_ns"] for sample in series.samples]
        assert times == sorted(times)
        assert abs(times[0] - window["start_unix_ns"]) < 500 * MS
        assert times[-1] > window["end_unix_ns"] - 200 * MS
    for clock in capture.clocks:
        assert clock.offset_ns == 0
        assert clock.uncertainty_ns < 50 * MS
    assert manifest["plan"]["agent"] == address
    assert address in manifest["sources"]["gpu"]["detail"]
    assert ended == 0
    assert [line.split(": ", 1)[1] for line in log if "host and gpu for" in line]
    assert TOKEN not in json.dumps(manifest) + "".join(log)


def used(series: SampleSeries) -> list[dict[str, Any]]:
    samples = [sample for sample in series.samples if "utilization_percent" in sample]
    assert len(samples) >= 5
    return samples


def test_an_agent_killed_in_mid_window_leaves_the_samples_taken_so_far(tmp_path: Path) -> None:
    killed_unix_ns: list[int] = []
    with server_of() as server, agent_child() as agent:

        def kill(request: ProfileRequest) -> None:
            del request
            time.sleep(0.5)
            killed_unix_ns.append(time.time_ns())
            agent.process.kill()

        server.on_profile = kill
        wanted = plan(server.address, duration_ns=1000 * MS, agent=AgentAccess(agent.address))
        outcome = capture_bundle(wanted, tmp_path / "b")
    capture = open_bundle(outcome.path)
    host = capture.host_samples
    assert isinstance(host, SampleSeries)
    assert len(host.samples) >= 4
    assert host.samples[-1]["unix_ns"] <= killed_unix_ns[0]
    assert host.samples[-1]["unix_ns"] > manifest_of(outcome.path)["window"]["start_unix_ns"]
    assert host.missing["samples"].startswith(f"none after sample {len(host.samples)}: the agent ")
    assert "end 0." in caveats_of(outcome)["agent-lost"]
    assert "went away" in caveats_of(outcome)["agent-lost"]
    assert "agent-lost" in {caveat.code for caveat in capture.caveats}
    assert [clock.source for clock in capture.clocks] == ["host"]


def test_an_agent_stopped_in_mid_window_says_so(tmp_path: Path) -> None:
    with server_of() as server, agent_child() as agent:
        server.on_profile = lambda request: (time.sleep(0.3), agent.process.terminate())
        wanted = plan(server.address, duration_ns=800 * MS, agent=AgentAccess(agent.address))
        outcome = capture_bundle(wanted, tmp_path / "b")
        assert agent.ended()[0] == 0
    assert isinstance(open_bundle(outcome.path).host_samples, SampleSeries)
    assert "the agent was stopped" in caveats_of(outcome)["agent-lost"]


def test_an_agent_that_hangs_costs_no_more_than_the_time_for_an_answer(tmp_path: Path) -> None:
    with server_of() as server, agent_child() as agent:

        def freeze(request: ProfileRequest) -> None:
            del request
            time.sleep(0.3)
            agent.process.send_signal(signal.SIGSTOP)

        server.on_profile = freeze
        wanted = plan(
            server.address,
            duration_ns=500 * MS,
            timeout_ns=1000 * MS,
            agent=AgentAccess(agent.address),
        )
        outcome = capture_bundle(wanted, tmp_path / "b")
    assert isinstance(open_bundle(outcome.path).host_samples, SampleSeries)
    assert "did not end the stream in time" in caveats_of(outcome)["agent-lost"]


def test_a_required_source_that_the_agent_lacks_spares_the_server(tmp_path: Path) -> None:
    with server_of() as server, agent_here() as agent:
        wanted = plan(server.address, agent=AgentAccess(agent.address), require=frozenset({"gpu"}))
        with pytest.raises(RequiredSourceError, match="was not profiled") as caught:
            capture_bundle(wanted, tmp_path / "b")
    assert (
        caught.value.cause == f"gpu: the agent at {agent.address} has no samples: no NVIDIA driver"
    )
    assert server.profiles == []


def test_the_agent_takes_the_place_of_this_machine(tmp_path: Path) -> None:
    with server_of() as server, agent_here() as agent:
        wanted = plan(server.address, agent=AgentAccess(agent.address), duration_ns=300 * MS)
        host = open_bundle(capture_bundle(wanted, tmp_path / "b").path).host_samples
    assert isinstance(host, SampleSeries)
    assert [sample["load_1m"] for sample in host.samples] == list(range(1, len(host.samples) + 1))
    assert host.period_ns == 10 * MS
    assert host.taken_by == agent.address


@pytest.mark.parametrize(
    ("hostname", "is_known"), [(HERE, True), ("a-pod", False)], ids=["same", "other"]
)
def test_what_is_known_of_the_agents_clock_is_what_the_names_allow(
    tmp_path: Path, hostname: str, is_known: bool
) -> None:
    with server_of(hostname) as server, agent_here() as agent:
        wanted = plan(server.address, agent=AgentAccess(agent.address), duration_ns=200 * MS)
        capture = open_bundle(capture_bundle(wanted, tmp_path / "b").path)
    (clock,) = capture.clocks
    assert clock.offset_ns == 0
    # The trace has events for 18 ms of the 200 ms of the call; the rest is uncertain.
    assert (clock.uncertainty_ns < 50 * MS) == is_known


def test_a_capture_by_a_socket_needs_no_port(tmp_path: Path) -> None:
    listen = f"unix:{tmp_path / 'agent.sock'}"
    with server_of() as server, agent_here(listen=listen) as agent:
        wanted = plan(server.address, agent=AgentAccess(listen), duration_ns=200 * MS)
        capture: Capture = open_bundle(capture_bundle(wanted, tmp_path / "b").path)
    assert agent.address == listen
    assert isinstance(capture.host_samples, SampleSeries)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--agent", "no-port"], "--agent 'no-port' is not HOST:PORT"),
        (["--agent-ca-cert", "ca.pem"], "need --agent HOST:PORT"),
        (["--agent", "h:1", "--agent-client-cert", "c.pem"], "must be given together"),
        (["--agent", "h:1", "--agent-token-file", "nowhere"], "--agent-token-file nowhere"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_touched(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["capture", "--server", "127.0.0.1:1", *arguments]) == UsageError.exit_code
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_certificate_is_named_with_its_parameter(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not one")
    tls = TlsOptions(tmp_path / "ca.pem")
    with server_of() as server, agent_here() as agent:
        wanted = plan(server.address, agent=AgentAccess(agent.address, tls))
        with pytest.raises(UsageError, match=r"`agent.tls.ca_cert` .* is not a PEM file"):
            capture_bundle(wanted, tmp_path / "b")
    assert server.profiles == []
