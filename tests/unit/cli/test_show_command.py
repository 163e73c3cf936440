"""``diag show``: which requests the options choose, and the exit status."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from diag.cli import main
from tests.conftest import sample_path

SOURCE = str(sample_path("batch-timeout") / "server.xplane.pb")


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """Titles of the sections."""
    assert main(["show", SOURCE, "--format", "json", *options]) == 0
    sections = json.loads(capsys.readouterr().out)["sections"]
    return [section["title"] for section in sections]


def test_the_ten_slowest_are_shown_unless_others_are_asked_for(capsys):
    titles = shown(capsys)
    assert titles[0] == "The slowest requests"
    assert len(titles) == 11
    assert len(shown(capsys, "--slowest", "3")) == 4


def test_requests_are_shown_by_number_in_the_order_given(capsys):
    assert shown(capsys, "--request", "41", "--request", "7") == ["Request 41", "Request 7"]


def test_a_wall_clock_time_is_the_same_as_the_time_since_the_trace_began(capsys):
    by_offset = shown(capsys, "--at", "1.47s")
    origin_ns = _origin_ns(capsys)
    seconds, ns = divmod(origin_ns + 1_470_000_000, 10**9)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    typed = f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 1000:06d}"
    by_clock = shown(capsys, "--at", f"{typed}Z")
    assert by_offset[1:] == by_clock[1:]
    assert by_clock[1:] == shown(capsys, "--at", typed)[1:]


def _origin_ns(capsys: pytest.CaptureFixture[str]) -> int:
    assert main(["show", SOURCE, "--format", "json", "--request", "0"]) == 0
    table = json.loads(capsys.readouterr().out)["sections"][0]["tables"][0]
    row = table["rows"][0]
    return int(row["start_unix_ns"]) - int(row["start_ns"])


def test_nobody_is_open_after_the_window(capsys):
    assert main(["show", SOURCE, "--at", "1m"]) == 0
    assert "none: no request is open then." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--request", "1", "--slowest", "2"], "--request, --slowest and --at exclude each other"),
        (
            ["--request", "9999"],
            "there is no request 9999: the recording has the requests 0 to 163",
        ),
        (["--slowest", "0"], "0 is not in the range 1<=x<=100"),
        (["--at", "noon"], "'noon' is not a time"),
    ],
)
def test_wrong_options_are_refused(options, message, capsys):
    assert main(["show", SOURCE, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in " ".join(err.split())
