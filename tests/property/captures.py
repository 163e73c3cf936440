"""Every recording in the repository, and simulated GPU servers, for properties of all answers."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from diag.analysis import analyze
from diag.findings import find
from diag.formats.source import open_bundle
from diag.formats.trace.capture import capture_from_trace
from diag.testing.gpu_server import SCENARIOS, simulate

if TYPE_CHECKING:
    from diag.analysis import Analysis
    from diag.model.capture import Capture
    from diag.model.finding import Finding

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_traces"
RECORDINGS = ROOT / "tests" / "recordings"


def _names() -> list[str]:
    """Paths relative to the repository, and ``simulated/NAME``."""
    paths = [
        *SAMPLES.glob("*/*.zip"),
        *SAMPLES.glob("*/*.xplane.pb"),
        *RECORDINGS.glob("live/*.zip"),
        *RECORDINGS.glob("versions/*.xplane.pb.gz"),
        *RECORDINGS.glob("releases/*/*.xplane.pb.gz"),
    ]
    simulated = [f"simulated/{name}" for name in SCENARIOS]
    return sorted(str(path.relative_to(ROOT)) for path in paths) + simulated


NAMES = _names()
# Those with more sources than a trace; of the simulated ones such as need one of them.
BUNDLES = [
    *(name for name in NAMES if name.endswith(".zip")),
    *(
        f"simulated/{name}"
        for name in ("no-demand", "queue-fill", "throttled", "ingress", "gpu-throttled", "healthy")
    ),
]


def capture_named(name: str) -> Capture:
    """The capture of one of ``NAMES``."""
    if name.startswith("simulated/"):
        return simulate(SCENARIOS[name.removeprefix("simulated/")].plan, seed=1).capture()
    path = ROOT / name
    if name.endswith(".gz"):
        return capture_from_trace(path.name, gzip.decompress(path.read_bytes()), name)
    return open_bundle(path)


@functools.lru_cache(maxsize=len(NAMES))
def answer(name: str) -> tuple[Analysis, tuple[Finding, ...]]:
    """The analysis of a capture, and its findings."""
    analysis = analyze(capture_named(name))
    return analysis, find(analysis)
