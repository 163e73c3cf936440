"""Run the benchmarks named on the command line, or all of them, in the order of PARTS."""

from __future__ import annotations

import importlib
import sys

# Each is a module here with a function run() that prints its tables and writes them into docs/.
PARTS = (
    "speed",
    "gpu_speed",
    "page",
    "recordings",
    "accuracy",
    "varied",
    "closed_loops",
    "planted",
    "overhead",
    "sampler",
    "tune",
    "stack_sampler",
    "loops.accuracy",
    "loops.gain",
    "loops.overhead",
)


def main(names: list[str]) -> int:
    """Run the parts in the order given; returns the exit status."""
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    for name in names or PARTS:
        importlib.import_module(f"benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
