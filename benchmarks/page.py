"""How long the HTML page of a big recording takes to write, to open and to zoom, and its size."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.big_space import big_space
from benchmarks.docs_table import replace_table
from benchmarks.gpu_space import gap_space
from benchmarks.speed import machine
from tests.browser.chromium import Tab, start

WRITES = 3
OPENS = 5
FRAMES = 40
COLUMNS = (
    "recording",
    "events",
    "written, s",
    "size, MB",
    "usable after, ms",
    "zoom, ms a frame",
    "95% of frames within, ms",
)
# From the begin of navigation to the first frame after the timeline was drawn.
USABLE = (
    "const done = arguments[0];"
    "requestAnimationFrame(() => setTimeout(() => done(performance.now())));"
)
# Zooms in and out again, a step a frame: from the key to the end of the frame that shows it.
ZOOM = """
const [frames, done] = arguments, body = document.querySelector('.tracks'), times = [];
document.getElementById('timeline').scrollIntoView();
function step(n) {
  if (n === frames) return done(times);
  const key = n < frames / 2 ? '+' : '-';
  requestAnimationFrame(() => {
    const begin = performance.now();
    body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    requestAnimationFrame(() => setTimeout(() => {
      times.push(performance.now() - begin);
      step(n + 1);
    }));
  });
}
step(0);
"""


@dataclass(frozen=True)
class Measured:
    """One page; times in seconds and milliseconds, the median of its runs."""

    label: str
    events: int
    write_s: float
    size_bytes: int
    usable_ms: float
    frame_ms: float
    worst_ms: float


def run() -> None:
    """Measure, print the table and write it into docs/speed.md."""
    tab = Tab(start())
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = [
                _measure(tab, label, *make(), Path(folder))
                for label, make in (
                    ("2.5 million events of a CPU server", big_space),
                    ("100,000 requests, each with a kernel and a gap", gap_space),
                )
            ]
    finally:
        tab.driver.quit()
    version = tab.driver.capabilities["browserVersion"]
    text = _table(rows, f"{machine()}; Chromium {version}, headless, without a GPU.")
    print(text)
    print(f"written into {replace_table('speed.md', 'page-speed', text)}")


def _measure(tab: Tab, label: str, data: bytes, events: int, folder: Path) -> Measured:
    trace, page = folder / "trace.xplane.pb", folder / "page.html"
    trace.write_bytes(data)
    seconds = []
    for _ in range(WRITES):
        begin = time.perf_counter()
        command = [sys.executable, "-m", "diag", "report", str(trace), "-o", str(page), "--force"]
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begin)
    usable, frames = [], []
    for _ in range(OPENS):
        tab.open(page)
        tab.driver.get("about:blank")
        tab.driver.get(page.as_uri())
        usable.append(float(tab.driver.execute_async_script(USABLE)))
        frames += tab.driver.execute_async_script(ZOOM, FRAMES)
    return Measured(
        label,
        events,
        statistics.median(seconds),
        page.stat().st_size,
        statistics.median(usable),
        statistics.median(frames),
        sorted(frames)[int(0.95 * len(frames))],
    )


def _table(rows: list[Measured], about: str) -> str:
    lines = [
        about,
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" + "|---:" * (len(COLUMNS) - 1) + "|",
    ]
    lines += [
        f"| {each.label} | {each.events:,} | {each.write_s:.2f} | {each.size_bytes / 1e6:.2f} |"
        f" {each.usable_ms:.0f} | {each.frame_ms:.0f} | {each.worst_ms:.0f} |"
        for each in rows
    ]
    return "\n".join(lines)
