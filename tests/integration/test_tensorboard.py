"""The bundle as it is, in the real TensorBoard with its profile plugin."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from diag.formats.bundle.layout import TRACE_SUFFIX
from diag.formats.bundle.manifest import Manifest
from diag.formats.bundle.writer import BundleWriter
from diag.formats.redaction.source import redact
from diag.formats.source import open_bundle
from tests.conftest import sample_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CREATED = datetime(2026, 11, 22, 23, 50, 0, tzinfo=timezone.utc)
RUN = "2026_11_22_23_50_00"
REDACTED_RUN = "2026_11_22_23_50_01"
REDACTED_HOST = "redacted"
# The plugin imports TensorFlow where it is installed: 6 s on an idle machine.
START_LIMIT_S = 120


class TensorBoard:
    """A running TensorBoard, asked over HTTP."""

    def __init__(self, log: Path, process: subprocess.Popen[bytes]) -> None:
        self._log = log
        self._process = process
        self._base = f"http://127.0.0.1:{self._port()}/data/plugin/profile"

    def _port(self) -> str:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self._log.read_text("utf-8", "replace"))
            if found:
                return found[1]
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail(
            f"TensorBoard did not start:\n{self._log.read_text('utf-8', 'replace')[-2000:]}"
        )

    def get(self, route: str, **arguments: str) -> Any:
        """The JSON that one of the profile plugin's routes answers with."""
        url = f"{self._base}/{route}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=60) as response:
            body = response.read()
            packed = response.headers.get("Content-Encoding") == "gzip"
        return json.loads(gzip.decompress(body) if packed else body)


@pytest.fixture(name="bundle", scope="module")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    trace = (sample_path("batch-timeout") / "server.xplane.pb").read_bytes()
    with BundleWriter(tmp_path_factory.mktemp("bundle") / "ticket-4711") as writer:
        writer.add_trace("127.0.0.1:8500", trace)
        return writer.finish(Manifest(created=CREATED, diag_version="0"))


@pytest.fixture(name="log_directory", scope="module")
def _log_directory(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, since the plugin writes caches beside the trace; with a redacted run next to it."""
    copy = shutil.copytree(bundle, tmp_path_factory.mktemp("logs") / "copy")
    target = copy / "plugins" / "profile" / REDACTED_RUN
    target.mkdir()
    with zipfile.ZipFile(io.BytesIO(redact(bundle, b"0123456789abcdef").data)) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(TRACE_SUFFIX)]
        (target / f"{REDACTED_HOST}{TRACE_SUFFIX}").write_bytes(archive.read(name))
    return copy


@pytest.fixture(name="tensorboard", scope="module")
def _tensorboard(
    log_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TensorBoard]:
    log = tmp_path_factory.mktemp("log") / "tensorboard.txt"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_directory)]
    command += ["--host", "127.0.0.1", "--port", "0", "--load_fast", "false"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield TensorBoard(log, process)
        finally:
            process.kill()
            process.wait(timeout=30)


def test_profile_tab_lists_the_bundle_as_a_run_and_shows_its_events(
    tensorboard: TensorBoard, log_directory: Path
) -> None:
    assert sorted(tensorboard.get("runs")) == [RUN, REDACTED_RUN]
    hosts = tensorboard.get("hosts", run=RUN, tag="trace_viewer")
    assert [host["hostname"] for host in hosts] == ["127.0.0.1_8500"]
    trace = tensorboard.get("data", run=RUN, tag="trace_viewer", host="127.0.0.1_8500")
    # The viewer appends its own number to the root event of each request.
    names = [event["name"].split()[0] for event in trace["traceEvents"] if event.get("ph") == "X"]
    assert names.count("BatchingSessionRun") == 164

    # The plugin has written caches there by now; they are foreign files and change nothing.
    run_folder = log_directory / "plugins" / "profile" / RUN
    assert len(list(run_folder.iterdir())) > 1
    assert open_bundle(log_directory).name == "copy"


def test_a_redacted_trace_opens_and_has_the_same_events_at_the_same_times(
    tensorboard: TensorBoard,
) -> None:
    hosts = {RUN: "127.0.0.1_8500", REDACTED_RUN: REDACTED_HOST}
    events = [
        sorted(
            (event["ts"], event["dur"])
            for event in tensorboard.get("data", run=run, tag="trace_viewer", host=host)[
                "traceEvents"
            ]
            if event.get("ph") == "X"
        )
        for run, host in hosts.items()
    ]
    assert len(events[0]) > 1000
    assert events[0] == events[1]
