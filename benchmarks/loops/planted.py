"""What is planted in each program, and what diag should say first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Planted:
    """One program.

    Attributes:
        program: Module in ``programs/``.
        title: What it does, for the table.
        findings: Ids of the findings that may come first; empty if nothing is to be found.
        words: A part of the first finding's sentence, such as the guilty function.
        stage: Kind of the tf.data stage that decides, or "".
        remedy: A part of the first advice, or "".
        threads: Threads that run the loop at a time.
        has_made: Whether each element of its pipeline is logged when it is made.
    """

    program: str
    title: str
    findings: tuple[str, ...]
    words: str = ""
    stage: str = ""
    remedy: str = ""
    threads: int = 1
    has_made: bool = False


_AHEAD, _BOUND = "synchronous-preprocessing", "input-pipeline-bound"
_IDLE = "device-idle-between-calls"
_POOL = "private_threadpool_size"


def _map(program: str, title: str, words: str, remedy: str, **more: bool) -> Planted:
    """A pipeline whose map, fused with its batch, decides."""
    findings = (_BOUND, "python-gil-bound")
    return Planted(program, title, findings, words, "MapAndBatch", remedy, **more)


PLANTED: tuple[Planted, ...] = (
    Planted("wait_for_image", "sleeps, Keras op by op", (_AHEAD,), "fetch_image", remedy="ahead"),
    Planted("scale_with_numpy", "NumPy, compiled function", (_AHEAD,), "standardize"),
    Planted("decode_with_pil", "PIL, SavedModel's signature", (_AHEAD,), "open_image"),
    Planted("count_words", "plain Python, compiled function", (_AHEAD,), "count_words"),
    Planted("predict_each", "`predict` for each item", ("predict-per-item",)),
    Planted("predict_on_batch", "`predict_on_batch`, mostly model", ()),
    Planted("new_lengths", "a new Python number each call", ("retracing",), "first_rows"),
    Planted("many_small_layers", "20 small layers op by op", ("eager-overhead",)),
    _map("map_one_at_a_time", "sequential `map`", "load_row", _POOL, has_made=True),
    _map("map_on_small_pool", "8 calls on a pool of 2", "load_row", _POOL, has_made=True),
    _map("pure_python_in_map", "plain Python in a parallel `map`", "add_up", "instead of Python"),
    Planted("decode_ahead", "parallel `map`, `prefetch`: keeps up", ("pipeline-healthy",)),
    _map("decode_without_prefetch", "no prefetch, no autotuner", "DecodeJpeg", "parallel_calls"),
    Planted("cached_rows", "`cache`, after its first pass", ("pipeline-healthy",)),
    Planted(
        "interleave_files",
        "sequential `interleave`",
        (_BOUND,),
        "TFRecord",
        "TFRecord",
        "Interleave",
    ),
    Planted("constant_in_map", "constant in `map`", ("traced-constant-in-map",), remedy="elements"),
    Planted("bursts", "jobs in bursts", (_IDLE,), "waits for a request"),
    Planted("pool_map", "results of a pool of threads", (_IDLE,), "load_row", remedy="workers"),
    Planted("http_keep_alive", "HTTP, a thread a connection", (_AHEAD,), "parse", threads=4),
    Planted("http_new_threads", "HTTP, a thread a request", (_IDLE,), "a request", threads=4),
)
