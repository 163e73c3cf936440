"""Options of ``diag capture`` become one plan of the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import diag
from diag.cli.capture_command import capture
from diag.cli.capture_plan import plan_from


def plan(*arguments: str) -> diag.CapturePlan:
    with capture.make_context("capture", list(arguments)) as context:
        return plan_from(context.params)


def test_without_options_the_plan_has_the_librarys_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DIAG_HEADERS", raising=False)
    assert plan("h:8500") == diag.CapturePlan(server="h:8500")


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (["--duration", "5"], {"duration_ns": 5_000_000_000}),
        (["--no-device-trace", "--no-warmup"], {"device_trace": False, "warmup": False}),
        (
            ["--gpu-rate", "50", "--model", "a", "--model", "b"],
            {"gpu_rate_hz": 50, "models": ("a", "b")},
        ),
        (
            ["--require", "gpu, host,", "--require", "server"],
            {"require": {"gpu", "host", "server"}},
        ),
        (["--tls"], {"tls": diag.TlsOptions()}),
        (["--ca-cert", "ca.pem"], {"tls": diag.TlsOptions(Path("ca.pem"))}),
        (["--agent", "h:9500"], {"agent": diag.AgentAccess("h:9500")}),
        (
            ["--wait-limit", "1m", "--timeout", "3"],
            {"wait_limit_ns": 60 * 10**9, "timeout_ns": 3 * 10**9},
        ),
        (["--max-bytes", "1MB", "--metrics", "off"], {"max_bytes": 1_000_000, "metrics": "off"}),
    ],
)
def test_each_option_sets_its_field(arguments: list[str], fields: dict[str, Any]) -> None:
    made = plan("h:8500", *arguments)
    assert {name: getattr(made, name) for name in fields} == fields


def test_the_help_names_every_source_that_can_be_required() -> None:
    (require,) = [each for each in capture.params if each.name == "require"]
    named = getattr(require, "help", "")
    assert [source for source in diag.REQUIRABLE if f" {source}" not in named] == []
