"""A real Prometheus in a child process, and targets that it can scrape."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.prometheus import Target, selector, tool

SCRAPES_S = 0.4
# Between the pages of a recording.
_INTERVAL_S = 3.0


def growing_page(target: Target) -> Callable[[], tuple[int, bytes]]:
    """The page of a target that goes on as it was recorded, from now on."""
    begin = time.monotonic()
    earlier = {(each.name, each.labels): each.value for each in target.before}

    def page() -> tuple[int, bytes]:
        passed = (time.monotonic() - begin) / _INTERVAL_S
        lines = []
        for each in target.after:
            first = earlier.get((each.name, each.labels), 0.0)
            value = first + (each.value - first) * passed
            lines.append(f"{selector(each.name, dict(each.labels))} {value:f}\n")
        return 200, "".join(lines).encode()

    return page


@dataclass(frozen=True)
class Scraped:
    """A target of Prometheus."""

    job: str
    url: str

    def config(self, node: str) -> dict[str, Any]:
        parts = urllib.parse.urlsplit(self.url)
        static = {"targets": [parts.netloc], "labels": {"node": node}}
        return {"job_name": self.job, "metrics_path": parts.path, "static_configs": [static]}


class Prometheus:
    """Asks a running Prometheus over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that an expression gives now."""
        found: list[dict[str, Any]] = self.get("query", query=expr)["result"]
        return found


@contextmanager
def prometheus(
    folder: Path, rules: dict[str, str], targets: list[Scraped], node: str
) -> Iterator[Prometheus]:
    """Run it with these rules on these targets, all on one node; it is ready when this yields."""
    for name, text in rules.items():
        (folder / name).write_text(text)
    pace = {f"{each}_interval": f"{round(SCRAPES_S * 1000)}ms" for each in ("scrape", "evaluation")}
    config = {
        "global": {**pace, "scrape_timeout": pace["scrape_interval"]},
        "rule_files": list(rules),
        "scrape_configs": [each.config(node) for each in targets],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # which is YAML as well
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        tool("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            _wait_until_ready(process, address, folder / "log")
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"Prometheus is not ready: {log.read_text()}")
