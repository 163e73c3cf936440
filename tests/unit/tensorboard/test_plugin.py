"""The routes of the plugin, asked without TensorBoard around them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from diag.formats.trace.event_names import HOST_PLANE
from diag.tensorboard.plugin import REQUEST_HEADER, DiagPlugin
from diag.tensorboard.reports import Reports
from diag.tensorboard.runs import find_recordings
from diag.testing.space_builder import SpaceBuilder
from tests.conftest import sample_path
from tests.unit.report.rendering import HOSTILE_NAMES

TRACE = sample_path("no-batching") / "server.xplane.pb"
LIMIT_S = 120
MAX_S = 0.1


def place(logs: Path, run: str, data: bytes) -> Path:
    trace = logs / "plugins" / "profile" / run / "host.xplane.pb"
    trace.parent.mkdir(parents=True)
    trace.write_bytes(data)
    return trace


class Tab:
    """What a page of TensorBoard would ask."""

    def __init__(self, logdir: Path | str) -> None:
        self.plugin = DiagPlugin(SimpleNamespace(logdir=str(logdir)))
        self._apps = self.plugin.get_plugin_apps()

    def ask(self, route: str, *, post: bool = False, **options: Any) -> TestResponse:
        path = f"/{route.partition('?')[0]}"
        client = Client(self._apps[path])
        return client.open(f"/{route}", method="POST" if post else "GET", **options)

    def begin(self, query: str) -> TestResponse:
        return self.ask(f"start?{query}", post=True, headers={REQUEST_HEADER: "1"})

    def finish(self, query: str) -> dict[str, Any]:
        """Begin a report and wait for its end."""
        state = self.begin(query).json
        deadline = time.monotonic() + LIMIT_S
        while state["state"] == "running" and time.monotonic() < deadline:
            time.sleep(0.1)
            state = self.ask(f"state?{query}").json
        assert state["state"] != "running"
        found: dict[str, Any] = state
        return found


@pytest.fixture(name="logs")
def _logs(tmp_path: Path) -> Path:
    place(tmp_path, "first", TRACE.read_bytes())
    place(tmp_path, "second", TRACE.read_bytes())
    return tmp_path


FIRST = "run=first&host=host"


def test_a_report_is_made_on_demand_and_served_from_memory_afterwards(logs: Path) -> None:
    tab = Tab(logs)
    assert tab.plugin.is_active()
    assert [each["run"] for each in tab.ask("runs").json["runs"]] == ["first", "second"]
    assert tab.ask(f"state?{FIRST}").json == {"state": "unknown"}
    assert tab.ask(f"report?{FIRST}").status_code == 404
    state = tab.finish(FIRST)
    assert state["state"] == "done"
    assert {spot["kind"] for spot in state["spots"]} <= {"finding", "idle", "request"}
    assert state["spots"][-1]["path"].startswith("/data/plugin/profile/trace_viewer_index.html?")
    for route in (f"report?{FIRST}", f"state?{FIRST}", "runs", "index.html", "tab.js"):
        begun = time.perf_counter()
        answer = tab.ask(route)
        assert time.perf_counter() - begun < MAX_S, route
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<h1>" in tab.ask(f"report?{FIRST}").text
    assert tab.ask(f"report?{FIRST}").headers["Content-Security-Policy"] == "frame-ancestors 'self'"


def test_the_page_is_that_of_diag_analyze(
    logs: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    tab = Tab(logs)
    assert tab.finish(FIRST)["state"] == "done"
    trace = logs / "plugins/profile/first/host.xplane.pb"
    done = subprocess.run(
        [sys.executable, "-m", "diag", "analyze", trace, "-f", "html"],
        capture_output=True,
        check=False,
    )
    assert done.stdout == tab.ask(f"report?{FIRST}").data


def test_equal_content_is_analyzed_once_and_changed_content_again(logs: Path) -> None:
    reports = Reports()
    first, second = find_recordings(logs)
    reports.start((first,))
    while reports.result((first,)) is None:
        time.sleep(0.1)
    made = reports.result((first,))
    reports.start((second,))
    while reports.result((second,)) is None:
        time.sleep(0.1)
    assert reports.result((second,)) is made
    shutil.copy(sample_path("padding") / "server.xplane.pb", first.source)
    assert reports.result((first,)) is None
    assert reports.progress((first,)) is None


def test_only_so_much_is_kept(logs: Path) -> None:
    place(logs, "third", (sample_path("padding") / "server.xplane.pb").read_bytes())
    reports = Reports(kept_bytes=1)
    first, _, third = find_recordings(logs)
    for each in (first, third):
        reports.start((each,))
        while reports.result((each,)) is None:
            time.sleep(0.1)
    assert reports.result((third,)) is not None
    assert reports.result((first,)) is None


def test_two_runs_are_compared(logs: Path) -> None:
    tab = Tab(logs)
    query = f"{FIRST}&with_run=second&with_host=host"
    assert tab.finish(query) == {"state": "done", "spots": []}
    assert "Before and after" in tab.ask(f"report?{query}").text


@pytest.mark.parametrize(
    "query",
    [
        "run=../../etc/passwd&host=host",
        "run=first&host=../first/host",
        "run=first",
        "run=/&host=/",
        "run=first%00&host=host",
        f"{FIRST}&with_run=absent&with_host=host",
        "",
    ],
)
def test_a_run_that_is_not_below_the_log_directory_is_refused(logs: Path, query: str) -> None:
    tab = Tab(logs)
    for answer in (tab.ask(f"state?{query}"), tab.ask(f"report?{query}"), tab.begin(query)):
        assert answer.status_code == 404
        assert answer.json == {"error": "there is no such run in the log directory"}


def test_another_site_cannot_begin_a_report(logs: Path) -> None:
    tab = Tab(logs)
    route = f"start?{FIRST}"
    own = {REQUEST_HEADER: "1"}
    assert tab.ask(route, headers=own).status_code == 405
    assert tab.ask(route, post=True).status_code == 403
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        assert tab.ask(route, post=True, headers={**own, "Origin": origin}).status_code == 403
    assert tab.ask(f"state?{FIRST}").json == {"state": "unknown"}
    same = {**own, "Origin": "http://localhost"}
    assert tab.ask(route, post=True, headers=same).status_code == 200


def test_a_damaged_trace_is_explained(tmp_path: Path) -> None:
    place(tmp_path, "broken", b"\x0a\xff\xff\xff\xff\x0f not a trace")
    state = Tab(tmp_path).finish("run=broken&host=host")
    assert state["state"] == "failed"
    assert "not a whole XSpace" in state["error"]


def test_hostile_names_make_no_elements(tmp_path: Path) -> None:
    space = SpaceBuilder()
    for index, name in enumerate(each for each in HOSTILE_NAMES.values() if each.isascii()):
        thread = space.plane(HOST_PLANE).line(name)
        thread.event(name, index * 10_000, index * 10_000 + 5_000)
    place(tmp_path, "<img src=x onerror=alert(1)>", space.build())
    tab = Tab(tmp_path)
    (listed,) = tab.ask("runs").json["runs"]
    assert listed["run"] == "<img src=x onerror=alert(1)>"
    answer = Client(tab.plugin.get_plugin_apps()["/start"]).open(
        method="POST",
        headers={REQUEST_HEADER: "1"},
        query_string={"run": listed["run"], "host": "host"},
    )
    assert answer.json["state"] == "running"
    query = {"run": listed["run"], "host": "host"}
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        state = Client(tab.plugin.get_plugin_apps()["/state"]).open(query_string=query).json
        if state["state"] != "running":
            break
        time.sleep(0.1)
    page = Client(tab.plugin.get_plugin_apps()["/report"]).open(query_string=query).text
    assert state["state"] == "done"
    assert "<script>alert" not in page
    assert "<img" not in page


def test_no_log_directory_is_no_error(tmp_path: Path) -> None:
    for logdir in ("", tmp_path / "absent", "gs://bucket/logs"):
        tab = Tab(logdir)
        assert not tab.plugin.is_active()
        assert tab.ask("runs").json == {"runs": [], "problem": ""}


def test_is_active_is_cheap_for_a_large_log_directory(tmp_path: Path) -> None:
    for index in range(200):
        folder = tmp_path / f"f{index}"
        folder.mkdir()
        for each in range(50):
            (folder / f"events.{each}").touch()
    tab = Tab(tmp_path)
    for _ in range(3):
        begun = time.perf_counter()
        assert not tab.plugin.is_active()
        assert time.perf_counter() - begun < MAX_S


def test_tensorboards_process_gets_no_analysis_and_no_tensorflow() -> None:
    program = (
        "import sys, json, tensorboard.plugins.base_plugin\n"
        "before = set(sys.modules)\n"
        "import diag.tensorboard.plugin\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "diag.tensorboard.runs" in loaded
    assert not {"tensorflow", "grpc", "diag.analysis", "diag.report"} & loaded
