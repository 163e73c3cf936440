"""An op that waits for a lock, as a custom op that asks another service may do."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOCK = threading.Lock()


def hold_lock(value: Any, duration_ms: int) -> Any:
    """``value``, after an op that holds a lock of the process for some time and uses no CPU."""
    held = tf.numpy_function(_wait, [value, duration_ms], tf.float32, name="remote_lookup")
    return tf.ensure_shape(held, value.shape)


def _wait(value: NDArray[Any], duration_ms: Any) -> NDArray[Any]:
    with _LOCK:
        time.sleep(float(duration_ms) / 1000)
    return value
