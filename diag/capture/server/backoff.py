"""Pauses between attempts of a call that the server refused because its gRPC threads were in use.

A synchronous gRPC server refuses a call before any handler sees it when its thread pool is
exhausted: RESOURCE_EXHAUSTED, "Server Threadpool Exhausted" (gRPC C++; TensorFlow Serving sets the
pool's size by --grpc_max_threads). Such a call had no effect and can be made again. Each attempt
takes a thread that a client's request needs, so pauses grow.
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
# An answer that is too large has the same status, and stays too large.
_TOO_LARGE_TEXT = "larger than max"


def is_out_of_threads(error: grpc.RpcError) -> bool:
    """Whether the server refused the call for lack of a thread."""
    details = error.details() or ""
    return bool(
        error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE_TEXT not in details
    )


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
