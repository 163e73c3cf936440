"""Kinds of preparation for the programs that compare a naive loop with a pipeline."""

import sys
import time

import numpy as np
from models import dense_function
from step_log import StepLog

WIDTH = 768


def prepare(number):
    """Waits, or computes, or both, for the milliseconds on the command line."""
    if WAIT_MS:
        time.sleep(WAIT_MS / 1e3)
    if KIND == "numpy":
        compute_in_numpy(COMPUTE_MS)
    elif COMPUTE_MS:
        compute_in_python(COMPUTE_MS)
    return np.full(WIDTH, number % 5 / 5, np.float32)


def compute_in_python(milliseconds):
    """A fixed number of additions, about so long on an idle core."""
    total = 0
    for number in range(int(milliseconds * ADDITIONS)):
        total += number


def compute_in_numpy(milliseconds):
    """NumPy's own loops, which let other threads run."""
    numbers = np.arange(200_000, dtype=np.float64)
    for _ in range(int(milliseconds * PASSES)):
        np.sqrt(numbers)


def _per_millisecond(work, count):
    begun = time.perf_counter()
    work(count)
    return count / (time.perf_counter() - begun) / 1e3


KIND, WAIT_MS, COMPUTE_MS = sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
ADDITIONS = PASSES = 1.0
ADDITIONS = _per_millisecond(compute_in_python, 2_000_000)
PASSES = _per_millisecond(compute_in_numpy, 200)


def start():
    """The model, and the log."""
    return dense_function(WIDTH, layers=8), StepLog()
