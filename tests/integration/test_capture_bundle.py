"""``capture_bundle`` as a library user calls it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from diag.capture.plan import MS
from diag.capture.session import capture_bundle
from diag.errors import EmptyCaptureError, RequiredSourceError, UsageError
from diag.formats.source import open_bundle
from tests.support.fast_plan import FAST, manifest_of, plan
from tests.support.serving import NOTHING, REQUESTS, serving

WORK = REQUESTS + "line busy\n" + "\n".join(f"  Run {at}..{at + 1}ms" for at in range(100))


def test_an_address_and_options_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with serving() as server:
        outcome = capture_bundle(server.address, **FAST | {"host_tracer_level": 3})
    assert re.fullmatch(r"diag-\d{8}T\d{6}Z", str(outcome.path))
    assert not outcome.interrupted
    assert open_bundle(outcome.path).planes
    recorded = manifest_of(tmp_path / outcome.path)
    assert recorded["plan"]["host_tracer_level"] == 3
    assert recorded["caveats"] == [
        {"code": each.code, "text": each.text} for each in outcome.caveats
    ]


def test_a_path_can_be_text_and_progress_a_function(tmp_path: Path) -> None:
    lines: list[str] = []
    with serving(lines=WORK) as server:
        options: dict[str, Any] = FAST | {"warmup": True, "duration_ns": 300 * MS}
        outcome = capture_bundle(
            server.address, str(tmp_path / "b.zip"), progress=lines.append, **options
        )
    assert outcome.path == tmp_path / "b.zip"
    warming_up, size, profiling, received = lines
    assert warming_up == "warming up for 0.2 s"
    assert re.fullmatch(r"expecting about [\d.]+ kB at this load", size)
    assert profiling.startswith(f"profiling {server.address} for 0.3 s at host tracer level 2")
    assert received.startswith("received ")


def test_options_do_not_go_with_a_plan(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`duration_ns` was given together") as caught:
        capture_bundle(plan("h:1"), tmp_path / "b", duration_ns=MS)
    assert caught.value.parameter == "duration_ns"


def test_a_refused_capture_is_not_announced(tmp_path: Path) -> None:
    lines: list[str] = []
    with serving() as server, pytest.raises(RequiredSourceError) as caught:
        capture_bundle(
            server.address,
            tmp_path / "b",
            progress=lines.append,
            **FAST | {"require": frozenset({"metrics", "server"}), "metrics": "auto"},
        )
    assert lines == []
    assert caught.value.bundle is None


def test_an_error_after_the_recording_names_the_bundle(tmp_path: Path) -> None:
    with serving(lines=NOTHING) as server, pytest.raises(EmptyCaptureError) as empty:
        capture_bundle(server.address, tmp_path / "b", **FAST)
    assert empty.value.bundle == tmp_path / "b"
    wanted = FAST | {"require": frozenset({"device-trace"})}
    with serving() as server, pytest.raises(RequiredSourceError) as missing:
        capture_bundle(server.address, tmp_path / "c", **wanted)
    assert missing.value.bundle == tmp_path / "c"
    assert open_bundle(tmp_path / "c").planes
