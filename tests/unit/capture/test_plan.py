from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from diag.capture.plan import MS, SECOND, AgentAccess, CapturePlan, ServerRepository, TlsOptions
from diag.capture.plan_options import PlanOptions
from diag.errors import BatchingParametersError, UsageError


def test_the_defaults_are_the_safe_ones() -> None:
    plan = CapturePlan(server="h:1")
    assert plan.duration_ms == 2000
    assert plan.host_tracer_level == 2
    assert plan.max_bytes == 512_000_000
    assert plan.receive_max_bytes == 2**31 - 1
    assert plan.warmup
    assert not plan.allow_long


@pytest.mark.parametrize(
    ("changes", "message", "parameter"),
    [
        ({"server": "h"}, "`server` 'h' is not HOST:PORT", "server"),
        ({"duration_ns": 9 * MS}, "`duration_ns` is 0.009 s, it must be 10 ms or more", ""),
        ({"duration_ns": 10 * SECOND + 1}, "`duration_ns` is 10 s, more than 10 s", ""),
        ({"duration_ns": 601 * SECOND, "allow_long": True}, "more than 10 minutes", "duration_ns"),
        ({"host_tracer_level": 0}, "`host_tracer_level` is 0, it must be 1, 2 or 3", ""),
        ({"host_tracer_level": 9}, "`host_tracer_level` is 9, it must be 1, 2 or 3", ""),
        ({"max_bytes": 0}, "`max_bytes` is 0", ""),
        ({"max_bytes": 2**31}, "`max_bytes` is 2,147,483,648", ""),
        ({"gpu_rate_hz": 0}, "`gpu_rate_hz` is 0", ""),
        ({"gpu_rate_hz": 101}, "it must be 1 to 100", "gpu_rate_hz"),
        ({"require": frozenset({"gpus"})}, "`require` names gpus", ""),
        ({"require": frozenset({"metrics"}), "metrics": "off"}, "but `metrics` is off", "require"),
        (
            {"require": frozenset({"device-trace"}), "device_trace": False},
            "but GPUs are not traced",
            "require",
        ),
        ({"tls": TlsOptions(client_cert=Path("c"))}, "given together", "tls.client_key"),
        ({"tls": TlsOptions(client_key=Path("k"))}, "given together", "tls.client_cert"),
        ({"timeout_ns": 0}, "`timeout_ns` must be more than 0", ""),
        ({"collect_timeout_ns": 0}, "`collect_timeout_ns` must be more than 0", ""),
        ({"wait_limit_ns": 0}, "`wait_limit_ns` must be more than 0", ""),
    ],
)
def test_contradictions_are_refused_in_the_words_of_the_library(
    changes: dict[str, Any], message: str, parameter: str
) -> None:
    with pytest.raises(UsageError) as caught:
        CapturePlan(**({"server": "h:1"} | changes))
    assert message in caught.value.message
    assert caught.value.parameter == (parameter or next(iter(changes)))
    assert "--" not in caught.value.message + caught.value.hint


def test_an_agent_needs_an_address_and_the_key_of_its_certificate() -> None:
    with pytest.raises(UsageError, match=r"`agent.address` 'h' is not HOST:PORT"):
        AgentAccess("h")
    with pytest.raises(UsageError, match=r"`agent.tls.client_cert` and") as caught:
        AgentAccess("h:1", TlsOptions(client_cert=Path("c")))
    assert caught.value.parameter == "agent.tls.client_key"


def test_the_keyword_options_are_the_fields_of_the_plan() -> None:
    fields = {each.name: each.type for each in dataclasses.fields(CapturePlan)}
    options = {name: kind.__forward_arg__ for name, kind in PlanOptions.__annotations__.items()}
    assert {"server": "str"} | options == fields


def test_the_limits_themselves_are_allowed() -> None:
    assert CapturePlan(server="h:1", duration_ns=10 * SECOND).duration_ms == 10_000
    assert CapturePlan(server="h:1", duration_ns=600 * SECOND, allow_long=True).duration_ns
    assert CapturePlan(server="h:1", max_bytes=2**31 - 1).max_bytes


def test_the_record_holds_no_secret_and_no_path() -> None:
    plan = CapturePlan(
        server="h:1",
        metrics="http://h/m?token=s3cret",
        headers=(("authorization", "s3cret"),),
        tls=TlsOptions(client_cert=Path("/s3cret"), client_key=Path("/s3cret")),
    )
    assert "s3cret" not in str(plan.as_record())


def test_batching_parameters_are_a_checked_text_or_the_path_of_one(tmp_path: Path) -> None:
    text = "max_batch_size { value: 8 }\n"
    (tmp_path / "p.txt").write_text(text)
    (tmp_path / "bad.txt").write_text("max_batch_sise { value: 8 }")
    for given in (text, tmp_path / "p.txt", str(tmp_path / "p.txt")):
        plan = CapturePlan(server="h:1", batching_parameters=given)
        assert plan.batching_parameters == text
        assert dataclasses.replace(plan, warmup=False).batching_parameters == text
    with pytest.raises(BatchingParametersError, match=r"bad\.txt, line 1"):
        CapturePlan(server="h:1", batching_parameters=tmp_path / "bad.txt")


def test_a_repository_needs_a_folder_on_this_machine(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder") as caught:
        ServerRepository("/traces", tmp_path / "absent")
    assert caught.value.parameter == "repository.local"
    with pytest.raises(UsageError, match=r"`repository\.root` is empty"):
        ServerRepository("", tmp_path)
