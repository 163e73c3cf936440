"""Hints repeat the command that was typed, with the suggested change in it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from diag.capture.plan import TlsOptions
from diag.cli.boundary import error_text
from diag.cli.commands import cli
from diag.cli.typed_command import TypedCommand
from diag.errors import CaptureError, UsageError


def typed(*arguments: str) -> TypedCommand:
    """What the command line records of these arguments."""
    context = cli.make_context("diag", list(arguments))
    command = cli.get_command(context, arguments[0])
    assert command is not None
    try:
        with command.make_context(arguments[0], list(arguments[1:]), parent=context):
            pass
    except click.UsageError:
        pass
    found = TypedCommand.of(context)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arguments", "changes", "line"),
    [
        (
            ["--server", "tfs:8500", "--ca-cert", "my ca.pem", "--duration", "1s", "-v"],
            {"duration_ns": 5_000_000_000},
            "diag capture --server tfs:8500 --ca-cert 'my ca.pem' --duration 5s --verbose",
        ),
        (
            ["--server=h:8500", "--require", "gpu", "--require", "host,server"],
            {"wait_for_traffic": True},
            "diag capture --server h:8500 --require gpu --require host,server --wait-for-traffic",
        ),
        (
            ["--server", "tfs:8501", "--no-warmup", "--tls"],
            {"server": "tfs:8500", "warmup": True, "tls": None},
            "diag capture --server tfs:8500",
        ),
        (
            ["--server", "tfs:8500"],
            {"device_trace": False, "max_bytes": 2_000_000_000},
            "diag capture --server tfs:8500 --no-device-trace --max-bytes 2GB",
        ),
        (["--server", "tfs:8500"], {"receive_max_bytes": 5}, ""),
        (
            ["tfs:8501", "-d", "1"],
            {"server": "tfs:8500"},
            "diag capture tfs:8500 --duration 1",
        ),
        (["tfs:8500"], {"tls": TlsOptions()}, "diag capture tfs:8500 --tls"),
        (
            ["tfs:8500", "--tls", "--ca-cert", "ca.pem", "--authority", "a"],
            {"tls": None},
            "diag capture tfs:8500 --authority a",
        ),
    ],
)
def test_everything_typed_is_repeated_with_the_change(arguments, changes, line):
    assert typed("capture", *arguments).with_changes(changes) == line


def test_the_repeated_command_means_what_was_typed():
    first = typed("capture", "--server", "a b:1", "-vv", "-q", "--model", "x", "--model", "-y")
    line = first.with_changes({"allow_long": True})
    assert line == (
        "diag capture --server 'a b:1' --verbose --verbose --quiet --model x --model -y "
        "--allow-long"
    )


def test_a_bundle_that_was_kept_under_the_typed_name_is_replaced():
    error = CaptureError("idle", retry={"wait_for_traffic": True}, bundle=Path("b.zip"))
    named = error_text(error, typed("capture", "tfs:8500", "-o", "b.zip"))
    assert named.endswith("diag capture tfs:8500 --output b.zip --wait-for-traffic --force\n")
    unnamed = error_text(error, typed("capture", "tfs:8500"))
    assert unnamed.endswith("diag capture tfs:8500 --wait-for-traffic\n")


def test_an_error_names_options_and_ends_with_the_command_to_type():
    error = CaptureError(
        "no request within `wait_limit_ns`; `not_an_option` stays",
        hint="send it load, or wait longer:",
        retry={"wait_limit_ns": 1_800_000_000_000},
    )
    command = typed("capture", "--server", "tfs:8500", "--wait-for-traffic")
    assert error_text(error, command).splitlines() == [
        "error: no request within --wait-limit; `not_an_option` stays",
        "hint:  send it load, or wait longer:",
        "       diag capture --server tfs:8500 --wait-for-traffic --wait-limit 30m",
    ]


def test_without_a_command_the_librarys_words_stay():
    error = UsageError("`duration_ns` is 5", retry={"duration_ns": 10})
    assert error_text(error).splitlines() == ["error: `duration_ns` is 5"]
