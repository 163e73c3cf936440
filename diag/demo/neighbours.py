"""Processes that compute without end, one more than the machine has cores: busy neighbours.

``python -m diag.demo.neighbours`` prints a line when they are started, and ends at the end of
stdin. They end when it does, however that comes.
"""

from __future__ import annotations

import os
import subprocess
import sys


def _compute_while_child_of(parent: int) -> None:
    while os.getppid() == parent:
        sum(range(100_000))


def main() -> int:
    """Compute until the end of stdin; returns the exit status."""
    if len(sys.argv) > 1:
        _compute_while_child_of(int(sys.argv[1]))
        return 0
    command = [sys.executable, "-m", "diag.demo.neighbours", str(os.getpid())]
    number = (os.cpu_count() or 1) + 1
    for _ in range(number):
        subprocess.Popen(  # noqa: S603 - the own interpreter and module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    sys.stdout.write(f"{number} processes compute\n")
    sys.stdout.flush()
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
