"""The status calls of a capture: recorded, left out, and stopped by the first error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.capture.plan import MS
from diag.capture.samplers.sampler import Sampler
from diag.capture.samplers.status_probe import StatusProbe
from diag.capture.server.connection import Connection, ConnectionOptions
from diag.capture.server.model_status import STATUS
from diag.capture.server.target import find_server
from diag.capture.session import capture_bundle
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries
from tests.support.fast_plan import plan
from tests.support.serving import Serving, serving

if TYPE_CHECKING:
    from pathlib import Path


def captured(server: Serving, folder: Path, **options: object) -> Path:
    wanted = plan(server.address, models=("m",), duration_ns=350 * MS, **options)
    return capture_bundle(wanted, folder / "b").path


def test_the_latency_of_status_calls_is_recorded_and_shown(tmp_path: Path) -> None:
    with serving(models={"m": {1: 30}}) as server:
        bundle = captured(server, tmp_path)
        assert len(server.peers) == 1, "one connection"
    capture = open_bundle(bundle)
    series = capture.probe_samples
    assert isinstance(series, SampleSeries)
    assert series.period_ns == 100 * MS
    assert series.units == {"latency_ns": "ns"}
    assert len(series.samples) >= 2
    assert all(0 < each["latency_ns"] < 1000 * MS for each in series.samples)
    assert "probe" in {clock.source for clock in capture.clocks}
    assert "probe" in [each.source for each in analyze(capture).samples]


def test_no_probe_makes_no_status_call_while_recording(tmp_path: Path) -> None:
    with serving(models={"m": {1: 30}}) as server:
        bundle = captured(server, tmp_path, probe=False)
        assert server.calls.count(STATUS) == 2, "before and after"
    capture = open_bundle(bundle)
    assert capture.probe_samples == Unavailable("not in the bundle")
    assert "probe" not in [each.source for each in analyze(capture).samples]


def test_a_server_whose_models_are_not_known_is_not_probed(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
    capture = open_bundle(outcome.path)
    assert isinstance(capture.probe_samples, Unavailable)
    assert "no model whose status can be asked for" in capture.probe_samples.reason
    assert "no-probe" not in [each.code for each in outcome.caveats]


def test_the_first_error_is_the_last_call() -> None:
    with serving(models={"m": {1: 30}}) as server:
        target = find_server(server.address, 5)
        options = ConnectionOptions(tls=None, receive_max_bytes=1 << 20)
        with Connection(target, options) as connection:
            sampler = Sampler(StatusProbe(connection, "unknown"))
            sampler.start()
            time.sleep(0.35)
            series = sampler.stop()
        assert server.calls.count(STATUS) == 1
    assert isinstance(series, Unavailable)
    assert series.reason.startswith("GetModelStatus failed, and was not called again: ")


def test_a_refused_call_is_counted_and_not_made_again() -> None:
    with serving(models={"m": {1: 30}}, concurrent=0) as server:
        target = find_server(server.address, 5)
        options = ConnectionOptions(tls=None, receive_max_bytes=1 << 20, retry_refused=True)
        with Connection(target, options) as connection:
            probe = StatusProbe(connection, "m")
            with pytest.raises(OSError, match="Concurrent RPC limit exceeded"):
                probe.read()
            assert connection.refused == 1
