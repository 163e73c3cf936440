"""Errors of recordings without a complete request, against real sockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.capture.plan import MS
from diag.capture.session import capture_bundle
from diag.errors import EmptyCaptureError
from diag.formats.source import open_bundle
from tests.support.fast_plan import plan
from tests.support.serving import NOTHING, PARTS, http_server, metrics_text, serving


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


def test_an_idle_window_is_kept_and_says_no_traffic(bundle: Path) -> None:
    with (
        serving(lines=NOTHING) as server,
        pytest.raises(EmptyCaptureError, match="no request in the 0") as caught,
    ):
        capture_bundle(plan(server.address), bundle)
    assert caught.value.retry == {"wait_for_traffic": True}
    assert str(bundle) in caught.value.message
    assert open_bundle(bundle).window.duration_ns >= 0


def test_requests_longer_than_the_window_ask_for_a_longer_one(bundle: Path) -> None:
    with serving(lines=PARTS) as server, pytest.raises(EmptyCaptureError) as caught:
        capture_bundle(plan(server.address, duration_ns=300 * MS), bundle)
    assert "longer than the recording" in caught.value.cause
    assert caught.value.retry == {"duration_ns": 1500 * MS}
    assert bundle.is_dir()


FAILED = b':tensorflow:serving:request_count{model_name="m",status="INTERNAL"} 1\n'
MARKS = "line tf_Compute/1\n  ThreadpoolListener::StartRegion @1ms _c=1"


def test_an_empty_level_1_window_tells_of_unbatched_requests(bundle: Path) -> None:
    with serving(lines=MARKS) as server, pytest.raises(EmptyCaptureError) as caught:
        capture_bundle(plan(server.address, host_tracer_level=1), bundle)
    assert "level 1 does not record requests without batching" in caught.value.message
    assert "unknown" in caught.value.cause
    assert caught.value.retry == {"host_tracer_level": 2}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (metrics_text(9) + FAILED, "request_count rose by 6 from just before to just after"),
        (metrics_text(4), "request_count rose by 0 "),
        (metrics_text(1), "unknown number of requests (request_count: it fell"),
        (
            b":a:b 1\n",
            "unknown number of requests (request_count: the metrics page has no request_count",
        ),
        (b"\0{", "unknown number of requests (request_count: http://"),
    ],
)
def test_an_empty_level_1_window_quotes_the_servers_own_count(
    bundle: Path, after: bytes, said: str
) -> None:
    pages = iter([metrics_text(4), metrics_text(4), after])
    with (
        serving(lines=MARKS) as server,
        http_server({"/m": lambda: (200, next(pages))}) as url,
    ):
        wanted = plan(server.address, host_tracer_level=1, metrics=f"{url}/m")
        with pytest.raises(EmptyCaptureError) as caught:
            capture_bundle(wanted, bundle)
    assert said in caught.value.cause


def test_an_idle_server_at_level_1_is_idle(bundle: Path) -> None:
    with serving(lines=NOTHING) as server, pytest.raises(EmptyCaptureError) as caught:
        capture_bundle(plan(server.address, host_tracer_level=1), bundle)
    assert "no request in the" in caught.value.message
