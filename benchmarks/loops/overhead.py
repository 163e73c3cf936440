"""What ``diag run`` costs a loop: into docs/overhead.md.

First in one process: blocks of each kind of work with nothing, the sampler, the trace, and both,
in turns. Then whole programs with and without ``diag run``, in turns.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import diag
from benchmarks.docs_table import replace_table
from benchmarks.loops.record import plain, recorded
from benchmarks.loops.truth import read_truth
from benchmarks.loops.work import WORK
from diag.inside.sampler import StackSampler
from diag.inside.session import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROUNDS, BLOCK_S = 9, 0.4
MODES = ("nothing again", "stacks", "trace", "both")
BLOCK_HEADS = ("work", *MODES)
PROGRAMS = ("wait_for_image", "count_words", "many_small_layers", "map_on_small_pool")
PAIRS = 3
PLAIN_S = 4.0
WINDOW_NS = 3_000_000_000
RUN_HEADS = ("program", "iteration, ms", "recorded / without diag", "recorded / after it")


def run() -> None:
    """Measure both tables."""
    lines = [BLOCK_HEADS, ("---",) * len(BLOCK_HEADS)]
    lines += [_blocks(title, work) for title, work in {**WORK, **_with_tensorflow()}.items()]
    print(replace_table("overhead.md", "loop-blocks", _table(lines)))
    lines = [RUN_HEADS, ("---",) * len(RUN_HEADS), *(_pairs(name) for name in PROGRAMS)]
    print(replace_table("overhead.md", "loop-runs", _table(lines)))


def _table(lines: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _with_tensorflow() -> dict[str, Callable[[], object]]:
    """Calls that TensorFlow's trace records many events of."""
    import tensorflow as tf

    weight = tf.random.normal([256, 256])
    layers = [tf.keras.layers.Dense(16, activation="relu") for _ in range(20)]
    model = tf.keras.Sequential([tf.keras.Input((16,)), *layers])
    rows, few = tf.zeros([32, 256]), tf.zeros([1, 16])

    @tf.function
    def compiled(each: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(each @ weight)

    data = tf.data.Dataset.range(1 << 40).map(lambda n: tf.cast(n, tf.float32) * 0.5)
    elements = iter(data.batch(8).prefetch(2))
    return {
        "a compiled function": lambda: compiled(rows),
        "Keras op by op": lambda: model(few),
        "`next()` of tf.data": lambda: next(elements),
    }


def _blocks(title: str, work: Callable[[], object]) -> tuple[str, ...]:
    ratios: dict[str, list[float]] = {mode: [] for mode in MODES}
    _iteration_s(work)
    for _ in range(ROUNDS):
        without_s = _iteration_s(work)
        for mode in random.sample(MODES, len(MODES)):
            ratios[mode].append(_with(mode, work) / without_s)
    cells = [f"{median(r):.3f} ({min(r):.2f} to {max(r):.2f})" for r in ratios.values()]
    print(title, *cells, sep=" | ", flush=True)
    return title, *cells


def _with(mode: str, work: Callable[[], object]) -> float:
    """Mean iteration with a mode on; starting and stopping are outside of it."""
    with tempfile.TemporaryDirectory() as folder:
        trace = begin("tensorflow", folder, 2, device=False) if mode in ("trace", "both") else None
        sampler = StackSampler(set())
        if mode in ("stacks", "both"):
            sampler.start()
        spent = _iteration_s(work)
        if mode in ("stacks", "both"):
            sampler.stop()
        if trace is not None:
            trace.finish()
    return spent


def _iteration_s(work: Callable[[], object]) -> float:
    begun_s, count = time.perf_counter(), 0
    while time.perf_counter() - begun_s < BLOCK_S:
        work()
        count += 1
    return (time.perf_counter() - begun_s) / count


def _pairs(program: str) -> tuple[str, ...]:
    with_diag, without, after = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        bundle, log = Path(folder) / "run.zip", Path(folder) / "steps.json"
        for _ in range(PAIRS):
            plain(program, log, PLAIN_S)
            without.append(_last_ns(log))
            recorded(program, bundle, log, duration="3s", after_s=WINDOW_NS / 1e9 + 0.5)
            capture = diag.open_bundle(bundle)
            origin, window = capture.origin_unix_ns, capture.window
            bounds = origin + window.start_ns, origin + window.end_ns
            with_diag.append(read_truth(log, bounds).mean_ns)
            after.append(_last_ns(log))
    row = (
        program,
        f"{median(without) / 1e6:.2f}",
        _ratios(with_diag, without),
        _ratios(with_diag, after),
    )
    print(" | ".join(row), flush=True)
    return row


def _last_ns(log: Path) -> float:
    """Mean iteration at the end of a log."""
    end = 1 << 62
    last = int(read_truth(log, (0, end)).end_ns.max())
    return read_truth(log, (last - WINDOW_NS, end)).mean_ns


def _ratios(some: list[float], others: list[float]) -> str:
    each = sorted(a / b for a, b in zip(some, others, strict=True))
    return f"{median(each):.3f} ({each[0]:.2f} to {each[-1]:.2f})"
