"""How fast diag decodes and analyses a big trace with a GPU plane, next to xprof.

The most that the tracer keeps of a GPU, and a hundred thousand requests with as many gaps between
their kernels. All runs are in fresh processes, as in ``speed``.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.docs_table import replace_table
from benchmarks.gpu_space import gap_space, gpu_space
from benchmarks.speed import OUR_RUNS, Measurement, measure, table

XPROF_RUNS = 1  # it takes minutes


def run() -> None:
    """Measure, print the tables and write them into docs/speed.md."""
    with tempfile.TemporaryDirectory() as folder:
        data, events = gpu_space()
        text = _measured(Path(folder) / "gpu.xplane.pb", data, events, with_xprof=True)
        data, events = gap_space()
        text += "\n\n100,000 requests and 100,000 kernels, each with a gap behind it:\n\n"
        text += _measured(Path(folder) / "gaps.xplane.pb", data, events, with_xprof=False)
    print(text)
    print(f"written into {replace_table('speed.md', 'gpu-speed', text)}")


def _measured(trace: Path, data: bytes, events: int, *, with_xprof: bool) -> str:
    trace.write_bytes(data)
    ours = [
        measure("diag: decode", "decode", trace, OUR_RUNS, events),
        measure("diag: idle gaps and their causes alone", "gaps", trace, OUR_RUNS, events),
        measure("diag: whole analysis with verdict", "analysis", trace, OUR_RUNS, events),
    ]
    theirs: Measurement | None = None
    if with_xprof:
        copy = trace.parent / "copy" / trace.name
        copy.parent.mkdir()
        shutil.copy(trace, copy)
        theirs = measure("xprof: `inference_profile`", "xprof", copy, XPROF_RUNS, None)
    return table(ours, theirs, len(data), events)
