"""Runs a program under ``diag run`` until its bundle is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
LIMIT_S = 120
_POLL_S = 0.1
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def recorded(
    program: str, bundle: Path, log: Path, *words: str, duration: str = "5s", after_s: float = 0.0
) -> None:
    """Record a program, and end it.

    Args:
        program: Module in ``programs/``.
        bundle: To write.
        log: That the program writes.
        words: More arguments of the program.
        duration: Of the recording.
        after_s: How long the program goes on after it.

    Raises:
        RuntimeError: Nothing was recorded, or the program failed.
    """
    # What the program does before its loop repeats itself, too: a model is made and saved.
    run = [sys.executable, "-m", "diag", "run", "-q", "--force", "--warmup", "3s"]
    bundle.unlink(missing_ok=True)
    run += ["-d", duration, "-o", bundle, "--"]
    _ended([*run, *command(program, log, *words)], lambda: bundle.exists(), after_s)
    if not bundle.exists():
        raise RuntimeError(f"{program}: nothing was recorded")


def plain(program: str, log: Path, seconds: float, *words: str) -> None:
    """Run a program without diag until its loop has run for some seconds.

    Raises:
        RuntimeError: The program failed.
    """
    log.unlink(missing_ok=True)

    def is_over() -> bool:
        return log.exists() and time.time() > log.stat().st_mtime + seconds

    _ended(command(program, log, *words), is_over, 0.0)


def command(program: str, log: Path, *words: str) -> list[str | Path]:
    """The program's own."""
    return [sys.executable, PROGRAMS / f"{program}.py", log, *words]


def _ended(words, is_over, after_s) -> None:
    with subprocess.Popen(
        words, env=os.environ | _QUIET, stderr=subprocess.PIPE, text=True
    ) as process:
        limit = time.monotonic() + LIMIT_S
        while process.poll() is None and not is_over() and time.monotonic() < limit:
            time.sleep(_POLL_S)
        time.sleep(after_s)
        process.send_signal(signal.SIGTERM)
        errors = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"exit status {process.returncode}: {errors.strip()[-500:]}")
