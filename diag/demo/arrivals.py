"""When requests are sent: open loop, closed loop and bursts, as seeded data."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

NS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How one stream of requests arrives.

    Attributes:
        kind: ``open``: a Poisson process, independent of the server. ``closed``: each of
            ``concurrency`` callers sends its next request when it has the answer. ``burst``:
            ``burst_size`` requests at once, ``rate`` requests per second on average.
        rate: Requests per second, for ``open`` and ``burst``.
        concurrency: Number of callers, for ``closed``.
        burst_size: Requests sent together, for ``burst``.
        seed: Seed of the Poisson gaps.

    Raises:
        ValueError: A value that the kind needs is missing.
    """

    kind: Literal["open", "closed", "burst"]
    rate: float = 0.0
    concurrency: int = 0
    burst_size: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.kind == "closed" and self.concurrency < 1:
            raise ValueError("a closed loop needs a concurrency of at least 1")
        if self.kind != "closed" and self.rate <= 0:
            raise ValueError("an open loop needs a rate above 0")
        if self.kind == "burst" and self.burst_size < 1:
            raise ValueError("bursts need a size of at least 1")

    def due_ns(self) -> Iterator[int]:
        """Endless, ascending due times in ns since the start.

        Raises:
            ValueError: For a closed loop, whose arrivals depend on the server.
        """
        if self.kind == "closed":
            raise ValueError("a closed loop has no schedule")
        if self.kind == "burst":
            return _burst_due_ns(self.rate, self.burst_size)
        return _poisson_due_ns(self.rate, self.seed)


def _poisson_due_ns(rate: float, seed: int) -> Iterator[int]:
    gaps = random.Random(seed)  # noqa: S311  reproducible load: nothing secret depends on it
    due = 0.0
    while True:
        due += gaps.expovariate(rate)
        yield round(due * NS_PER_SECOND)


def _burst_due_ns(rate: float, size: int) -> Iterator[int]:
    period = size / rate
    for burst in itertools.count():
        yield from itertools.repeat(round(burst * period * NS_PER_SECOND), size)
