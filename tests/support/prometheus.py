"""Rules in promtool and in a real Prometheus, with what targets show as their input."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from diag.formats.text.prometheus import parse_metrics
from diag.model.samples import MetricSample
from diag.monitoring.prometheus import Timing, monitoring_files
from diag.monitoring.prometheus.files import ALERT_RULES, RECORDING_RULES

RULES = (RECORDING_RULES, ALERT_RULES)
LIVE = Path(__file__).parents[1] / "recordings" / "live"


def tool(name: str) -> str:
    """Path of ``prometheus`` or ``promtool``; a missing one fails the test."""
    found = shutil.which(name)
    assert found is not None, f"{name} is not installed: make test installs it"
    return found


@dataclass(frozen=True)
class Target:
    """What one target shows: counters and gauges that grow by the same in every interval.

    Attributes:
        labels: Of the target.
        before: At the begin.
        after: After one interval.
        restarts: Whether its counters begin again at 0 after a while.
    """

    labels: dict[str, str]
    before: tuple[MetricSample, ...]
    after: tuple[MetricSample, ...]
    restarts: bool = False

    def series(self, intervals: int) -> list[dict[str, str]]:
        """As ``input_series`` of promtool."""
        earlier = {(each.name, each.labels): each.value for each in self.before}
        return [
            {
                "series": selector(each.name, dict(each.labels) | self.labels),
                "values": self._values(
                    earlier.get((each.name, each.labels), 0.0), each.value, intervals
                ),
            }
            for each in self.after
        ]

    def _values(self, begin: float, end: float, intervals: int) -> str:
        step = end - begin
        if not self.restarts:
            return _growing(begin, step, intervals)
        # The pause is inside the last window before 12 minutes have passed.
        old = intervals * 4 // 5
        return f"{_growing(begin, step, old)} {_growing(0.0, step, intervals - old)}"


def _growing(begin: float, step: float, intervals: int) -> str:
    return f"{begin:f}{'-' if step < 0 else '+'}{abs(step):f}x{intervals}"


def selector(name: str, labels: dict[str, str]) -> str:
    """A series as PromQL writes it."""
    pairs = ",".join(f"{key}={json.dumps(text)}" for key, text in labels.items() if text)
    return f"{name}{{{pairs}}}"


def recorded(name: str, labels: dict[str, str]) -> Target:
    """The metrics pages of a recorded server, as it went on like that."""
    with zipfile.ZipFile(LIVE / f"{name}.zip") as bundle:
        before, after = (
            serving_samples(bundle.read(f"diag/metrics-{each}.prom").decode())
            for each in ("before", "after")
        )
    return Target(labels, before, after)


def serving_samples(page: str) -> tuple[MetricSample, ...]:
    """Of a page, what TensorFlow Serving itself counts."""
    return tuple(
        each for each in parse_metrics(page) if each.name.startswith(":tensorflow:serving")
    )


def shown(page: bytes, labels: dict[str, str]) -> Target:
    """A page that stays as it is."""
    samples = parse_metrics(page.decode())
    return Target(labels, samples, samples)


def counted(page: bytes, labels: dict[str, str]) -> Target:
    """A page of counters that begin at 0 and grow by what it says in each interval."""
    samples = parse_metrics(page.decode())
    return Target(labels, tuple(replace(each, value=0.0) for each in samples), samples)


@dataclass(frozen=True)
class Expected:
    """What a query gives at a time; ``samples`` by their labels."""

    query: str
    samples: dict[str, float]


def firing(*alerts: str) -> Expected:
    """These alerts, and no other."""
    query = 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0'
    return Expected(query, {f'{{alertname="{alert}"}}': 1 for alert in alerts})


def equals(query: str, value: float) -> Expected:
    """One series, whatever its labels, with this value but for rounding."""
    return Expected(
        f"sum(abs({query} - {value!r}) <= bool {abs(value) * 1e-6 + 1e-12!r})", {"{}": 1}
    )


def nothing(query: str) -> Expected:
    """No series at all."""
    return Expected(query, {})


def check_rules(
    folder: Path,
    targets: Iterable[Target],
    expected: Iterable[Expected],
    *,
    interval: str = "3s",
    intervals: int = 260,
    at: str = "12m",
) -> None:
    """Fail with promtool's words where a query gives something else."""
    for name, text in monitoring_files(Timing()).items():
        (folder / name).write_text(text)
    test = {
        "interval": interval,
        "input_series": [each for target in targets for each in target.series(intervals)],
        "promql_expr_test": [
            {
                "expr": each.query,
                "eval_time": at,
                "exp_samples": [
                    {"labels": labels, "value": value} for labels, value in each.samples.items()
                ],
            }
            for each in expected
        ],
    }
    file = folder / "test.yml"
    document = {"rule_files": list(RULES), "evaluation_interval": "1m", "tests": [test]}
    file.write_text(json.dumps(document))  # which is YAML as well
    done = subprocess.run(
        [tool("promtool"), "test", "rules", str(file)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
