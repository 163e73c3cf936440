"""Events in JAX's trace that carry TensorFlow Serving's names, and threads that carry its names.

``TraceAnnotation`` is the very TraceMe that TensorFlow uses; its keyword values arrive as stats,
``_pt``/``_p`` and ``_ct``/``_c`` as links (tried with JAX 0.10.2).
"""

from __future__ import annotations

import ctypes
from functools import partial

from jax.profiler import TraceAnnotation

# xla/tsl/profiler/lib/context_types.h: kTfExecutor and kSharedBatchScheduler.
EXECUTOR, BATCH_SCHEDULER = 2, 4
_PR_SET_NAME = 15  # linux/prctl.h
_NAME_MAX_BYTES = 15

ann = TraceAnnotation
produces_batch = partial(TraceAnnotation, _pt=BATCH_SCHEDULER)
consumes_batch = partial(TraceAnnotation, _ct=BATCH_SCHEDULER, _r=2)
produces_step = partial(TraceAnnotation, _pt=EXECUTOR, _r=1)
consumes_step = partial(TraceAnnotation, _ct=EXECUTOR)


def name_this_thread(name: str) -> None:
    """Names the calling thread as the profiler will show it; before its first annotation.

    Python does not hand its threads' names to the system before 3.14. 15 bytes are kept.
    """
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:_NAME_MAX_BYTES], 0, 0, 0)
