"""``diag demo`` as a newcomer types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from diag.analysis import analyze
from diag.demo.scenarios import SCENARIOS
from diag.formats.source import open_bundle
from diag.formats.text.client_log import load_client_log
from diag.model.availability import Unavailable

pytestmark = pytest.mark.tensorflow

DIAG = (sys.executable, "-m", "diag")


def test_the_list_names_every_scenario_and_starts_nothing() -> None:
    result = subprocess.run(
        [*DIAG, "demo", "--list"], capture_output=True, text=True, timeout=30, check=True
    )
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)
    assert result.stderr == ""


def test_a_demo_ends_with_the_truth_beside_the_verdict(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = subprocess.run(
        [*DIAG, "demo", "-v", "-o", str(folder), "--port", "0", "--http-port", "0", "-d", "3"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "diag compared with the truth" in result.stdout
    assert "cost of the capture" in result.stdout
    command = f"diag analyze {folder / 'bundle'} --client-log {folder / 'calls.csv'}"
    assert f"{command}\n" in result.stdout
    assert f"tensorboard --logdir {folder / 'bundle'}" in result.stdout
    assert "starting a server" in result.stderr
    assert f"server.log, load.log and all results go to {folder}" in result.stderr
    assert f"analyzing {folder / 'bundle'}" in result.stderr
    comparison = json.loads((folder / "comparison.json").read_text())
    assert comparison["largest_stage"] == "preprocess"
    assert comparison["first"] == "preprocessing-in-graph"
    assert comparison["verdict_is_right"]
    assert comparison["matched"] >= 20
    report = json.loads((folder / "report.json").read_text())
    assert report["verdict"]["cause"] == "preprocess"
    load = json.loads((folder / "load.json").read_text())
    assert load["phases"]["during"]["calls"] >= 20
    manifest = open_bundle(folder / "bundle").manifest
    assert isinstance(manifest, dict)
    assert manifest["observer"]["during"] == load["phases"]["during"]
    assert (folder / "report.md").read_text().strip()
    log = load_client_log(folder / "calls.csv")
    assert len(log) == len(load["calls"])
    clients = analyze(open_bundle(folder / "bundle", client_log=log)).clients
    assert not isinstance(clients.times, Unavailable)
    assert clients.times.matched >= 20
    assert json.loads((folder / "truth.json").read_text())["scenario"] == "slow-preprocess"


WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None  # what Python itself takes for absent
from diag.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["tensorflow", "tensorflow_serving"])
def test_without_its_extra_it_says_so_and_writes_nothing(module: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT, module, "demo", "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: diag demo needs {module}, which is not installed\n")
    assert "make demo" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    result = subprocess.run(
        [*DIAG, "demo", "-o", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 7
    assert result.stdout == ""
    assert "is not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_keep_serving_stays_until_interrupted_and_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    arguments = ["demo", "--scenario", "no-demand", "--keep-serving", "-q", "-o", str(folder)]
    with subprocess.Popen(
        [*DIAG, *arguments, "--port", "0", "--http-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        shown = [process.stdout.readline() for _ in range(4)]
        assert "diag capture 127.0.0.1:" in shown[2]
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 2
        process.send_signal(signal.SIGINT)
        _, progress = process.communicate(timeout=60)
    assert process.returncode == 0
    assert progress == ""
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    assert (folder / "truth.json").exists()
    assert (folder / "calls.csv").read_text().startswith("start,end,status,model\n")


@pytest.mark.parametrize("scenario", ["batch-timeout", "padding"])
def test_the_loop_closes(scenario: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    ports = ("--port", "0", "--http-port", "0")
    result = subprocess.run(
        [*DIAG, "demo", "-s", scenario, "--close-the-loop", "-d", "10", "-o", str(folder), *ports],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "changed:    " in result.stdout
    assert "Better: " in result.stdout
    comparison = json.loads((folder / "comparison.json").read_text())
    assert comparison["outcome"] == "better"
    assert (folder / "before" / "bundle").is_dir()
    assert (folder / "after" / "bundle").is_dir()


def test_a_loop_serves_no_others() -> None:
    result = subprocess.run(
        [*DIAG, "demo", "--close-the-loop", "--keep-serving"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert "contradict each other" in result.stderr
