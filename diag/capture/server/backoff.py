"""Pauses between attempts of a call that the server refused, as when its gRPC threads are in use.

A synchronous gRPC server refuses a call before any handler sees it when its thread pool is
exhausted: RESOURCE_EXHAUSTED, "Server Threadpool Exhausted" (gRPC C++; TensorFlow Serving sets the
pool's size by --grpc_max_threads). Such a call had no effect and can be made again. A proxy's quota
or a lack of memory has the same status: such a call is made again too, but only the text tells that
threads were lacking. Each attempt takes a thread that a client's request needs, so pauses grow.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from diag.capture.interrupts import Interrupts

FIRST_PAUSE_S = 0.05
PAUSE_GROWTH = 2.0
PAUSE_MAX_S = 1.0
# gRPC C++ src/cpp/server/server_cc.cc, kServerThreadpoolExhausted; gRPC Python grpc/_server.py.
_OUT_OF_THREADS_TEXTS = ("Threadpool Exhausted", "Concurrent RPC limit exceeded")
# An answer that is too large has the same status, and stays too large.
_TOO_LARGE_TEXT = "larger than max"


def is_refused(error: grpc.RpcError) -> bool:
    """Whether the call was refused for lack of some resource, so that it may succeed later."""
    details = error.details() or ""
    return bool(
        error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE_TEXT not in details
    )


def is_out_of_threads(error: grpc.RpcError) -> bool:
    """Whether the server says that it refused the call for lack of a thread."""
    return is_refused(error) and names_threads(error.details() or "")


def names_threads(details: str) -> bool:
    """Whether a status text says that no thread was free for the call."""
    return any(text in details for text in _OUT_OF_THREADS_TEXTS)


class Backoff:
    """Growing pauses until a limit of time."""

    def __init__(self, limit_s: float, interrupts: Interrupts) -> None:
        """Begin to count time.

        Args:
            limit_s: Time allowed for all attempts.
            interrupts: Checked during pauses.
        """
        self._end_s = time.monotonic() + limit_s
        self._pause_s = FIRST_PAUSE_S
        self._interrupts = interrupts

    def pause(self) -> bool:
        """Wait before another attempt; False, at once, if no time is left for one.

        Raises:
            KeyboardInterrupt: A signal arrived.
        """
        if time.monotonic() + self._pause_s >= self._end_s:
            return False
        time.sleep(self._pause_s)
        self._interrupts.check()
        self._pause_s = min(PAUSE_MAX_S, self._pause_s * PAUSE_GROWTH)
        return True
