from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from diag.capture.plan import MS, REQUIRABLE, SECOND, CapturePlan, TlsOptions
from diag.cli.capture_options import SOURCES
from diag.errors import UsageError


def test_the_defaults_are_the_safe_ones() -> None:
    plan = CapturePlan(server="h:1")
    assert plan.duration_ms == 2000
    assert plan.host_tracer_level == 2
    assert plan.max_bytes == 512_000_000
    assert plan.receive_max_bytes == 2**31 - 1
    assert plan.warmup
    assert not plan.allow_long


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration_ns": 9 * MS}, "10ms or more"),
        ({"duration_ns": 10 * SECOND + 1}, "more than 10 s"),
        ({"duration_ns": 601 * SECOND, "allow_long": True}, "more than 10 minutes"),
        ({"host_tracer_level": 0}, "not 1, 2 or 3"),
        ({"host_tracer_level": 4}, "not 1, 2 or 3"),
        ({"max_bytes": 0}, "--max-bytes"),
        ({"max_bytes": 2**31}, "--max-bytes"),
        ({"gpu_rate_hz": 0}, "--gpu-rate is 0"),
        ({"gpu_rate_hz": 101}, "1 to 100 a second"),
        ({"require": frozenset({"gpus"})}, "--require gpus"),
        ({"require": frozenset({"metrics"}), "metrics": "off"}, "contradicts"),
        ({"require": frozenset({"device-trace"}), "device_trace": False}, "contradicts"),
        ({"tls": TlsOptions(client_cert=Path("c"))}, "belong together"),
        ({"tls": TlsOptions(client_key=Path("k"))}, "belong together"),
        ({"timeout_ns": 0}, "more than 0"),
        ({"wait_limit_ns": 0}, "more than 0"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CapturePlan(server="h:1", **changes)


def test_the_limits_themselves_are_allowed() -> None:
    assert CapturePlan(server="h:1", duration_ns=10 * SECOND).duration_ms == 10_000
    assert CapturePlan(server="h:1", duration_ns=600 * SECOND, allow_long=True).duration_ns
    assert CapturePlan(server="h:1", max_bytes=2**31 - 1).max_bytes


def test_the_record_holds_no_secret_and_no_path() -> None:
    plan = CapturePlan(
        server="h:1",
        metrics="http://user:s3cret@h/m",
        headers=(("authorization", "s3cret"),),
        tls=TlsOptions(client_cert=Path("/s3cret"), client_key=Path("/s3cret")),
    )
    assert "s3cret" not in str(plan.as_record())


def test_the_command_offers_the_sources_that_the_plan_knows() -> None:
    assert SOURCES == REQUIRABLE
