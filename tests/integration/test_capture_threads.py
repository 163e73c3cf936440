"""Captures of a server whose gRPC threads are all in use, which refuses calls at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import pytest

from diag.analysis import analyze
from diag.capture.plan import MS
from diag.capture.session import capture_bundle
from diag.errors import CaptureError
from diag.findings import conclude, find
from diag.formats.source import open_bundle
from tests.support.fast_plan import plan
from tests.support.serving import serving

if TYPE_CHECKING:
    from pathlib import Path


def predict(channel: grpc.Channel) -> grpc.StatusCode:
    """One request of a client."""
    try:
        channel.unary_unary("/tensorflow.serving.PredictionService/Predict")(b"", timeout=10)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_calls_that_are_refused_are_made_again_and_named(tmp_path: Path) -> None:
    with serving(concurrent=2, hold_s=0.6) as server:
        with (
            grpc.insecure_channel(server.address) as channel,
            ThreadPoolExecutor(2) as clients,
        ):
            held = [clients.submit(predict, channel) for _ in range(2)]
            until = time.monotonic() + 5
            while server.calls.count("/tensorflow.serving.PredictionService/Predict") < 2:
                assert time.monotonic() < until
                time.sleep(0.005)
            outcome = capture_bundle(plan(server.address), tmp_path / "b")
        assert [each.result() for each in held] == [grpc.StatusCode.OK] * 2
        assert len(server.profiles) == 1
    (caveat,) = (each for each in outcome.caveats if each.code == "grpc-threads-exhausted")
    assert "all its gRPC threads were in use" in caveat.text
    analysis = analyze(open_bundle(tmp_path / "b"))
    findings = find(analysis)
    assert findings[0].id == "grpc-threads-exhausted"
    assert "--grpc_max_threads" in findings[0].remedies[0].action
    assert "requests of clients are refused likewise" in conclude(analysis, findings).sentence


def test_a_recording_that_is_refused_at_once_is_asked_for_again(tmp_path: Path) -> None:
    with serving(refused_profiles=2) as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
        assert len(server.profiles) == 3
        assert len(server.peers) == 1, "one connection"
    assert "grpc-threads-exhausted" in [each.code for each in outcome.caveats]


def test_a_call_refused_for_another_resource_says_nothing_of_threads(tmp_path: Path) -> None:
    with serving(refused_profiles=2, refused_text="quota exceeded") as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
        assert len(server.profiles) == 3
    assert "grpc-threads-exhausted" not in [each.code for each in outcome.caveats]


def test_another_lack_of_resources_is_not_called_a_lack_of_threads(tmp_path: Path) -> None:
    refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota of this route exceeded")
    with serving(refusal=refusal) as server, pytest.raises(CaptureError, match="no resources") as e:
        capture_bundle(plan(server.address, timeout_ns=500 * MS), tmp_path / "b")
    assert "--grpc_max_threads" not in e.value.hint
    assert e.value.cause == "quota of this route exceeded"
    assert len(server.calls) > 2, "a refused call is made again"


def test_a_server_with_free_threads_has_no_such_caveat(tmp_path: Path) -> None:
    with serving(concurrent=2) as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
    assert "grpc-threads-exhausted" not in [each.code for each in outcome.caveats]


def test_a_server_that_stays_full_ends_the_capture_in_time(tmp_path: Path) -> None:
    with serving(concurrent=1, hold_s=1.5) as server:
        client = threading.Thread(
            target=lambda: predict(grpc.insecure_channel(server.address)), daemon=True
        )
        client.start()
        while not server.calls:
            time.sleep(0.005)
        with pytest.raises(CaptureError, match="no resources to answer") as caught:
            capture_bundle(plan(server.address, timeout_ns=400 * MS), tmp_path / "b")
        client.join()
    assert "--grpc_max_threads" in caught.value.hint
    assert not (tmp_path / "b").exists()
