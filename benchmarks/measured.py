"""One measurement in a process of its own: ``python -m benchmarks.measured WHAT TRACE``.

Prints one line of JSON: wall and CPU seconds (of all threads) of the work alone, imports being done
before, events where the work counts them, and the peak resident memory of the whole process. Of
``gaps`` both times are the wall seconds of one function within the analysis.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def decode(path: Path) -> Callable[[], int]:
    """diag: read the file and decode it into columns."""
    from diag.formats.trace.xspace import decode_space

    def work() -> int:
        space = decode_space(path.read_bytes())
        return sum(len(plane.events) for plane in space.planes)

    return work


def analysis(path: Path) -> Callable[[], int]:
    """diag: open the file, attribute every request, explain every gap, decide the verdict."""
    from diag.analysis import analyze
    from diag.findings import conclude, find
    from diag.formats.source import open_bundle

    def work() -> int:
        result = analyze(open_bundle(path))
        conclude(result, find(result))
        return result.counts.events

    return work


def xprof(path: Path) -> Callable[[], int]:
    """xprof: its inference_profile tool; it writes next to its input, so give it a copy."""
    from xprof.convert import raw_to_tool_data

    def work() -> int:
        data, _ = raw_to_tool_data.xspace_to_tool_data([str(path)], "inference_profile", {})
        if b"request_id" not in data:
            raise RuntimeError("inference_profile gave no table of requests")
        return 0

    return work


WORKS = {"decode": decode, "analysis": analysis, "gaps": analysis, "xprof": xprof}


# The function that is measured instead of the whole work.
WITHIN = {"gaps": "find_gaps"}


def main(what: str, path: str) -> None:
    work = WORKS[what](Path(path))
    profile = cProfile.Profile(builtins=False) if what in WITHIN else None
    cpu_before, before = time.process_time(), time.perf_counter()
    events = profile.runcall(work) if profile else work()
    seconds = time.perf_counter() - before
    cpu_seconds = time.process_time() - cpu_before
    if profile:
        seconds = cpu_seconds = _seconds_in(profile, WITHIN[what])
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "events": events,
                "peak_bytes": peak_memory_bytes(),
            }
        )
    )


def _seconds_in(profile: cProfile.Profile, function: str) -> float:
    """Wall seconds from call to return of the function, which is called once."""
    profile.create_stats()
    entries = {key[2]: value for key, value in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
    return float(entries[function][3])


def peak_memory_bytes() -> int:
    """Peak resident memory; not ru_maxrss, in which a child also finds its parent's."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
