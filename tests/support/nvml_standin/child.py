"""Samples GPUs in a process of its own: ``python -m tests.support.nvml_standin.child OPTIONS``.

A process loads one driver library for good, found by the environment it was started with.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from diag.capture.samplers.nvml import open_gpu_reader
from diag.capture.samplers.sampler import Sampler
from diag.model.availability import Unavailable
from tests.support.nvml_standin import standin_environment

ROOT = Path(__file__).parents[3]


def sample_gpus(
    library: Path,
    script: str,
    *,
    seconds: float = 0.5,
    rate_hz: int = 20,
    open_timeout_s: float = 10,
    stop_timeout_s: float = 5,
    log: Path | None = None,
) -> dict[str, Any]:
    """What a sampler gives in a child process with this library and script.

    Returns:
        ``unavailable``, or the fields of SampleSeries and ``detail``; always ``open_s`` and
        ``stop_s``, which opening and stopping took.
    """
    options = {
        "seconds": seconds,
        "rate_hz": rate_hz,
        "open_timeout_s": open_timeout_s,
        "stop_timeout_s": stop_timeout_s,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.nvml_standin.child", json.dumps(options)],
        cwd=ROOT,
        env=standin_environment(library, script, log),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main(options: dict[str, Any]) -> dict[str, Any]:
    begun = time.monotonic()
    period_ns = 1_000_000_000 // options["rate_hz"]
    reader = open_gpu_reader(period_ns, int(options["open_timeout_s"] * 1e9))
    times = {"open_s": time.monotonic() - begun, "stop_s": 0.0}
    if isinstance(reader, Unavailable):
        return {"unavailable": reader.reason, **times}
    sampler = Sampler(reader, stop_timeout_ns=int(options["stop_timeout_s"] * 1e9))
    sampler.start()
    time.sleep(options["seconds"])
    begun = time.monotonic()
    series = sampler.stop()
    times["stop_s"] = time.monotonic() - begun
    if isinstance(series, Unavailable):
        return {"unavailable": series.reason, **times}
    return {**dataclasses.asdict(series), "detail": reader.detail, **times}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
