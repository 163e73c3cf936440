"""One session of the profiler of TensorFlow or JAX in this process.

``tf.profiler.experimental.start`` of TensorFlow 2.20 and 2.21 ignores its options: its binding
turns numbers into truth values first. An object with ``__index__`` and without ``__bool__`` is
taken as the number that it is. JAX obeys its options (JAX 0.4.36 to 0.10.2).
"""

from __future__ import annotations

import glob
import os
import sys
from typing import Any, Protocol

# The module of each library that has its profiler; it is imported with the library.
_PROFILERS = {
    "tensorflow": "tensorflow.python.profiler.profiler_v2",
    "jax": "jax._src.profiler",
}
_JAX_BACKENDS = "jax._src.xla_bridge"  # its _backends are made at the first use


def is_ready(library: str) -> bool:
    """Whether a library is imported as a whole; of JAX, whether it is used as well.

    Keras imports JAX if it is installed, and then uses TensorFlow alone.
    """
    spec = getattr(sys.modules.get(library), "__spec__", None)
    if spec is None or spec._initializing or _PROFILERS[library] not in sys.modules:
        return False
    return library != "jax" or bool(getattr(sys.modules.get(_JAX_BACKENDS), "_backends", None))


def version_of(library: str) -> str:
    """The version of an imported library."""
    return str(getattr(sys.modules.get(library), "__version__", ""))


class Session(Protocol):
    """A running session."""

    def finish(self) -> str:
        """Stop, and return the path of the trace; "" if nothing was written."""

    def abandon(self) -> None:
        """Stop without a trace, as in a child of fork, which else would record for ever."""


def begin(library: str, folder: str, level: int, *, device: bool) -> Session:
    """Start recording.

    Args:
        library: ``tensorflow`` or ``jax``.
        folder: Private folder for the trace.
        level: Host tracer level, 1 to 3.
        device: Whether to trace GPUs.

    Raises:
        Exception: The program or another tool profiles already, or the binding has changed.
    """
    kind = _JaxSession if library == "jax" else _TensorFlowSession
    return kind(sys.modules[_PROFILERS[library]], folder, level, device)


class _Number:
    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value


class _TensorFlowSession:
    def __init__(self, profiler: Any, folder: str, level: int, device: bool) -> None:
        self._folder = folder
        self._session: Any = profiler._pywrap_profiler.ProfilerSession()
        options = {
            "host_tracer_level": _Number(level),
            "python_tracer_level": _Number(0),
            "device_tracer_level": _Number(int(device)),
        }
        self._session.start(folder, options)

    def finish(self) -> str:
        self._session.export_to_tb()
        found = glob.glob(os.path.join(self._folder, "plugins/profile/*/*.xplane.pb"))  # noqa: PTH118, PTH207
        return found[0] if found else ""

    def abandon(self) -> None:
        self._session.stop()


class _JaxSession:
    def __init__(self, profiler: Any, folder: str, level: int, device: bool) -> None:
        self._folder = folder
        # In JAX itself up to 0.6, and in a module of its own since then.
        binding = getattr(profiler, "_profiler", None) or profiler.xla_client.profiler
        options = binding.ProfileOptions()
        wanted = {
            "host_tracer_level": level,
            "python_tracer_level": 0,
            "device_tracer_level": int(device),
        }
        for name, value in wanted.items():
            if hasattr(options, name):
                setattr(options, name, value)
        self._session: Any = binding.ProfilerSession(options)

    def finish(self) -> str:
        path = os.path.join(self._folder, "host.xplane.pb")  # noqa: PTH118
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.write(self._session.stop())
        return path

    def abandon(self) -> None:
        self._session.stop()
