"""Library, command line and demo give one answer for one bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from diag.analysis import analyze
from diag.formats.bundle.manifest import Manifest
from diag.formats.bundle.writer import BundleWriter
from diag.formats.source import open_bundle
from diag.model.serving import Origin, Stage
from tests.conftest import sample_path
from tests.unit.formats.test_bundle import CREATED


@pytest.fixture(name="bundle", scope="module")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a recorded server, with that server's own parameters in it."""
    folder = sample_path("batch-timeout")
    parameters = (folder / "batching_parameters.txt").read_text()
    with BundleWriter(tmp_path_factory.mktemp("one") / "bundle.zip") as writer:
        writer.add_trace("127.0.0.1:8500", (folder / "server.xplane.pb").read_bytes())
        writer.add_server({"batching_parameters": parameters})
        return writer.finish(Manifest(created=CREATED, diag_version="0.1.0"))


def test_the_library_uses_the_parameters_that_the_bundle_recorded(bundle: Path) -> None:
    (queue,) = analyze(open_bundle(bundle)).batches.queues
    parameters = (queue.max_batch_size, queue.batch_timeout_ns, queue.num_batch_threads)
    assert {parameter.origin for parameter in parameters} == {Origin.FILE}


def test_the_command_line_counts_what_the_library_counts(bundle: Path) -> None:
    analysis = analyze(open_bundle(bundle))
    command = [sys.executable, "-m", "diag", "export", bundle, "--format", "jsonl", "--table"]

    def exported(table: str) -> list[dict[str, object]]:
        done = subprocess.run([*command, table], capture_output=True, check=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    (queue,) = analysis.batches.queues
    batches = exported("batches")
    assert len(batches) == len(analysis.batches)
    assert {row["batch_timeout_ns"] for row in batches} == {queue.batch_timeout_ns.value}
    assert {row["batch_timeout_origin"] for row in batches} == {"file"}
    requests = exported("requests")
    assert sum(row["stage_queue_thread_ns"] for row in requests) == int(
        analysis.requests.stage_ns[:, Stage.QUEUE_THREAD.index].sum()
    )
