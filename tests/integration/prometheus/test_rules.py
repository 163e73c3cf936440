"""The rules in promtool, on the metrics pages of recorded servers."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from diag.model.availability import Unavailable
from diag.monitoring import read_load
from diag.monitoring.load import ModelLoad
from diag.monitoring.prometheus import monitoring_files
from diag.monitoring.series import Bounds
from tests.support.prometheus import (
    RULES,
    Expected,
    check_rules,
    equals,
    firing,
    nothing,
    recorded,
    tool,
)

MONITORING = Path(__file__).parents[3] / "docs" / "monitoring"
SERVER = {"job": "tfserving", "instance": "server:8501", "node": "gpu-1"}
SECONDS = 3.0  # between the pages of a recording

# What was wrong with each of them is in tests/recordings/README.md.
RECORDED = {
    "b_onethread": {"TFServingQueueShareHigh"},
    "b_overload2": {"TFServingRequestsRefused"},
    "b_timeout": {"TFServingQueueShareHigh"},
    "closed_timeout": set(),
    "digits": set(),
    "noisy_n": set(),
    "reload_unbatched": set(),
    "scalar_b": {"TFServingRequestsFailed"},
    "split_over_nofile": {"TFServingRequestsRefused"},
    "toolarge": {"TFServingRequestsFailed", "TFServingQueueShareHigh"},
    "two_permodel_bp": {"TFServingBatchesNearlyEmpty"},
    "unb_overload": {"TFServingP99High"},
    "varlen_nopad": {"TFServingRequestsFailed"},
}


def test_promtool_finds_no_fault(tmp_path: Path) -> None:
    for name, text in monitoring_files().items():
        (tmp_path / name).write_text(text)
    command = [tool("promtool"), "check", "rules", "--lint-fatal", *RULES]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_promtool_takes_the_example_configuration_with_its_rules() -> None:
    command = [tool("promtool"), "check", "config", "prometheus.yml"]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 rule files found" in done.stdout


def test_promtool_takes_the_relabelling_of_the_page(tmp_path: Path) -> None:
    page = (MONITORING / "README.md").read_text()
    found = re.search(r"```yaml\n(relabel_configs:\n.*?)```", page, re.DOTALL)
    assert found is not None
    # Debian's build cannot discover targets in Kubernetes; the relabelling is read without it.
    job = {"job_name": "tfserving", **yaml.safe_load(found[1])}
    assert len(job["relabel_configs"]) == 3
    (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [job]}))
    command = [tool("promtool"), "check", "config", "prometheus.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_server_has_its_alerts_and_the_values_of_diag_metrics(
    name: str, tmp_path: Path
) -> None:
    target = recorded(name, SERVER)
    load = read_load(target.before, target.after, SECONDS)
    expected = [each for model in load.models for each in _of_model(model)]
    if name == "digits":  # over minutes, the page shows what it does not over three seconds
        expected = [each for each in expected if "_seconds:mean" not in each.query]
    queue = {
        "queue_seconds:mean": (load.batching.queue_mean, 1e-6),
        "queue_share:ratio": (load.batching.queue_share, 1),
        "batches:rate": (load.batching.batches_per_s, 1),
        "padding:ratio": (load.batching.padding_share, 1),
    }
    expected += [
        _same(f"tfserving_batches:{series}", value, scale)
        for series, (value, scale) in queue.items()
    ]
    assert len(expected) >= 8
    check_rules(tmp_path, [target], [*expected, firing(*RECORDED[name])])


def _of_model(model: ModelLoad) -> list[Expected]:
    name = f'{{model_name="{model.model}"}}'
    values = {
        "requests:rate": (model.requests_per_s, 1),
        "request_seconds:mean": (model.request_mean, 1e-6),
        "runtime_seconds:mean": (model.runtime_mean, 1e-6),
        "refused:ratio": (model.refused_ratio, 1),
    }
    found = [
        _same(f"tfserving_model:{series}{name}", value, scale)
        for series, (value, scale) in values.items()
    ]
    for percent, bounds in ((50, model.request_p50), (99, model.request_p99)):
        query = f"tfserving_model:request_seconds:p{percent}{name}"
        if isinstance(bounds, Bounds):
            inside = f"{query} >= {bounds.low * 1e-6!r} <= {bounds.high * 1e-6!r}"
            found.append(Expected(f"count({inside})", {"{}": 1}))
        else:
            found.append(nothing(query))
    return found


def _same(query: str, value: float | Unavailable, scale: float) -> Expected:
    return nothing(query) if isinstance(value, Unavailable) else equals(query, value * scale)
