"""Marks for a Python program's own requests and stages, which its trace then shows.

Cheap enough to stay in a program: without a recording, a mark only looks into ``sys.modules``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

REQUEST = "diag.request"
STAGE = "diag.stage:"
# tensorflow/python/profiler/trace.py uses the same class (TensorFlow 2.21).
_TRACER = "tensorflow.python.profiler.internal._pywrap_traceme"
_Function = TypeVar("_Function", bound=Callable[..., Any])


class Mark:
    """A context manager and decorator: an event on the thread's line while a trace is recorded."""

    __slots__ = ("_details", "_event", "_name")

    def __init__(self, name: str, details: dict[str, Any]) -> None:
        self._name = name
        self._details = details
        self._event: Any = None

    def __enter__(self) -> None:
        tracer = sys.modules.get(_TRACER)
        if tracer is not None and tracer.traceme_enabled():
            self._event = tracer.TraceMe(self._name, **self._details)

    def __exit__(self, *error: object) -> None:
        if self._event is not None:
            self._event.Stop()
            self._event = None

    def __call__(self, function: _Function) -> _Function:
        """The function with this mark around each of its calls; not for coroutines."""

        @functools.wraps(function)
        def marked(*arguments: Any, **named: Any) -> Any:
            with Mark(self._name, self._details):
                return function(*arguments, **named)

        return marked  # type: ignore[return-value]


def request(**details: Any) -> Mark:
    """Mark one request of the program: ``with diag.request():`` or ``@diag.request()``.

    It is an event ``diag.request`` of the trace, and costs under 1 µs if nothing records.
    TensorFlow is not imported.

    Args:
        details: Numbers or texts to keep with the event. They are in the bundle: no secrets.
    """
    return Mark(REQUEST, details)


def stage(name: str, **details: Any) -> Mark:
    """Mark a stage of a request: ``with diag.stage("preprocess"):``, an event ``diag.stage:NAME``.

    Args:
        name: Of the stage.
        details: As of ``request``.
    """
    return Mark(STAGE + name, details)
