"""One session of TensorFlow's profiler in this process, with options that it obeys.

``tf.profiler.experimental.start`` of TensorFlow 2.20 and 2.21 ignores its options: its binding
turns numbers into truth values first. An object with ``__index__`` and without ``__bool__`` is
taken as the number that it is.
"""

from __future__ import annotations

import glob
import os
import sys
from typing import Any

_PROFILER = "tensorflow.python.profiler.profiler_v2"


class _Number:
    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value


def tensorflow_is_ready() -> bool:
    """Whether TensorFlow is imported as a whole."""
    package = sys.modules.get("tensorflow")
    spec = getattr(package, "__spec__", None)
    return spec is not None and _PROFILER in sys.modules and not spec._initializing


def tensorflow_version() -> str:
    """The version of the imported TensorFlow."""
    return str(getattr(sys.modules.get("tensorflow"), "__version__", ""))


class ProfilerSession:
    """A session of the profiler; ``folder`` gets its files."""

    def __init__(self, folder: str, level: int, device: bool) -> None:
        """Start recording.

        Args:
            folder: Private folder for the trace.
            level: Host tracer level, 1 to 3.
            device: Whether to trace GPUs.

        Raises:
            Exception: The program or another tool profiles already, or the binding has changed.
        """
        self._folder = folder
        self._session: Any = sys.modules[_PROFILER]._pywrap_profiler.ProfilerSession()
        options = {
            "host_tracer_level": _Number(level),
            "python_tracer_level": _Number(0),
            "device_tracer_level": _Number(int(device)),
        }
        self._session.start(folder, options)

    def finish(self) -> str:
        """Stop, and return the path of the trace; "" if nothing was written."""
        self._session.export_to_tb()
        found = glob.glob(os.path.join(self._folder, "plugins/profile/*/*.xplane.pb"))  # noqa: PTH118, PTH207
        return found[0] if found else ""

    def abandon(self) -> None:
        """Stop without a trace, as in a child of fork, which else would record for ever."""
        self._session.stop()
