"""Which line of a trace belongs to a thread of the program that was traced.

``XLine.id`` of a host line is the hash of its thread's ``std::thread::id``
(tsl/profiler/lib/profiler_session.cc and xla/tsl/profiler/backends/cpu/traceme_recorder.cc,
TensorFlow 2.21: ``Env::Default()->GetCurrentThreadId()``). TensorFlow's wheels are built with
libstdc++, whose hash of the 8 bytes is MurmurHash64A with seed 0xc70f6907 (libstdc++-v3,
hash_bytes.cc). Python's ``threading.get_ident()`` is the same ``pthread_self()``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diag.model.events import Int64s

_SEED = 0xC70F6907
_FACTOR = 0xC6A4A7935BD1E995
_SHIFT = np.uint64(47)
_MASK = (1 << 64) - 1

_UnsignedColumn = NDArray[np.uint64]


def line_ids(thread_ids: Int64s) -> Int64s:
    """``XLine.id`` of each thread, as signed 64 bits.

    Args:
        thread_ids: ``threading.get_ident()`` of threads, shape (n,).
    """
    factor = np.uint64(_FACTOR)
    start = np.uint64(_SEED ^ (8 * _FACTOR & _MASK))
    mixed = _mixed(thread_ids.astype(np.uint64) * factor) * factor
    found = _mixed((start ^ mixed) * factor) * factor
    return _mixed(found).view(np.int64)


def _mixed(values: _UnsignedColumn) -> _UnsignedColumn:
    mixed: _UnsignedColumn = values ^ (values >> _SHIFT)
    return mixed
