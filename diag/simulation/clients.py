"""Clients of a closed loop, drawn from recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random

    from diag.simulation.load import Clients


class Asked(NamedTuple):
    """A request that a client sends: time to its enqueue, rows, and index of its queue."""

    before_ns: int
    rows: int
    queue: int


class ClientDraws:
    """Requests and answers of simulated clients.

    Args:
        clients: The recorded ones.
        random: Source of chance.
    """

    def __init__(self, clients: Clients, random: Random) -> None:
        kinds = clients.kinds
        columns = (kinds.before_ns.tolist(), kinds.rows.tolist(), kinds.queue.tolist())
        self._kinds = [Asked(*each) for each in zip(*columns, strict=True)]
        self._answers = list(zip(clients.after_ns.tolist(), clients.think_ns.tolist(), strict=True))
        self._clients, self._random = clients, random
        self._places: dict[int, list[int]] = {}

    def request(self) -> Asked:
        """A client's next request."""
        return self._kinds[int(self._random.random() * len(self._kinds))]

    def answers(self, requests: int) -> list[tuple[int, int]]:
        """For each request of a batch, the time to its answer and from there to the next request.

        They are those of a recorded batch with about so many requests, and of the ones after it.
        """
        if requests not in self._places:
            self._places[requests] = self._clients.places(requests)
        first = self._random.choice(self._places[requests])
        found = self._answers[first : first + requests]
        while len(found) < requests:
            found += self._answers[: requests - len(found)]
        return found
