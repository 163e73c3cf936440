"""Record a JAX server with planted causes: ``python -m tests.gpu.record --out DIR``.

Each scenario leaves a folder with the bundle that ``diag capture`` wrote, the server's own account
of every request and batch, and diag's report; at the end stands a table of what was planted and
what diag found. Runs where JAX runs; a GPU is needed only for ``--keep``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.gpu.prerequisites import choose_platform, missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.gpu.outcome import Outcome
    from tests.gpu.recording import Recorded
    from tests.gpu.scenarios import Platform

SAMPLE_TRACES = Path(__file__).parents[2] / "sample_traces"
KEEP_MAX = 8


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.record", description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, help="a folder for the results; needed unless --check")
    add("--scenarios", default="", help="comma-separated; default: all")
    add("--platform", choices=("cpu", "gpu", "auto"), default="auto")
    add("--seconds", type=float, default=2.0, help="of each capture (default 2)")
    add("--check", action="store_true", help="only say whether a recording could start")
    add("--keep", action="store_true", help="copy the bundles to sample_traces/gpu-<model>/")
    arguments = parser.parse_args(argv)
    if not arguments.check and arguments.out is None:
        parser.error("--out is needed")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Records; 0 if every verdict is the planted one, 1 if not, 2 if nothing could be recorded."""
    arguments = parse_arguments(argv)
    lacking = [] if arguments.platform != "auto" else missing("cpu")
    platform: Platform = "cpu"
    if not lacking:
        platform = choose_platform() if arguments.platform == "auto" else arguments.platform
        lacking = missing(platform)
    if arguments.keep and platform != "gpu":
        lacking.append("--keep takes recordings of a real GPU only, and this is none")
    for line in lacking:
        _say(f"error: {line}")
    if lacking:
        return 2
    _say(f"everything needed to record on a {platform.upper()} is there")
    return 0 if arguments.check else _record_all(arguments, platform)


def _record_all(arguments: argparse.Namespace, platform: Platform) -> int:
    # Only now: these need what was just looked for.
    from diag.errors import DiagError
    from tests.gpu.outcome import COLUMNS, outcome_of, row_of
    from tests.gpu.recording import RecordingError, record
    from tests.gpu.scenarios import SCENARIOS

    names = [name for name in arguments.scenarios.split(",") if name] or list(SCENARIOS)
    unknown = sorted(set(names) - set(SCENARIOS))
    if unknown:
        _say(f"error: no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
        return 2
    rows: list[tuple[str, ...]] = [COLUMNS]
    wrong, kept = [], []
    for name in names:
        folder = arguments.out / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            recorded = record(SCENARIOS[name], folder, platform, arguments.seconds, _say)
            outcome = outcome_of(folder)
        except (RecordingError, DiagError) as error:
            _say(f"error: {name}: {error}")
            wrong.append(name)
            continue
        if outcome.is_right is False:
            wrong.append(name)
        kept.append((recorded, outcome))
        rows.append(row_of(recorded, outcome))
        # After each, so that what was done is known even if the rest is not.
        (arguments.out / "table.txt").write_text(format_table(rows), encoding="utf-8")
    sys.stdout.write(format_table(rows))
    if arguments.keep:
        keep(kept, SAMPLE_TRACES)
    return 1 if wrong else 0


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines) + "\n"


def keep(kept: Sequence[tuple[Recorded, Outcome]], samples: Path) -> None:
    """Copies what a repository can carry: no logs, nothing too large, nothing without a GPU.

    Args:
        kept: Recordings and what diag says of them; at most ``KEEP_MAX`` are copied.
        samples: Where ``gpu-<model>/<scenario>/`` is made.
    """
    from tests.gpu.recording import BUNDLE_MAX_BYTES, PARAMETERS, TRUTH

    for recorded, outcome in kept[:KEEP_MAX]:
        name = recorded.scenario.name
        if recorded.bundle_bytes > BUNDLE_MAX_BYTES:
            _say(f"{name} is not kept: {recorded.bundle_bytes} bytes")
            continue
        if not outcome.has_gpu_plane:
            _say(f"{name} is not kept: no GPU plane in its trace holds an event")
            continue
        model = re.sub(r"[^a-z0-9]+", "-", recorded.device.lower()).strip("-")
        target = samples / f"gpu-{model}" / name
        target.mkdir(parents=True, exist_ok=True)
        for file in (recorded.bundle.name, TRUTH, PARAMETERS):
            shutil.copyfile(recorded.folder / file, target / file)
        _say(f"kept {target}")


def _say(line: str) -> None:
    sys.stderr.write(f"record: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
