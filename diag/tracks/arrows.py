"""Arrows from requests to their batches, and from both to the device work done for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Arrows:
    """Numbers of arrows; a number stands at both ends of its arrow.

    Attributes:
        of_request: By row of the request table.
        of_batch: By row of the batch table.
        of_events: By plane of the capture, (events,) with 0 for an event without an arrow; None for
            a plane without any.
    """

    of_request: dict[int, tuple[range, ...]]
    of_batch: dict[int, tuple[range, ...]]
    of_events: tuple[Int64s | None, ...]


def find_arrows(analysis: Analysis) -> Arrows:
    """All arrows that the links of the analysis give: the target of each is the later table's."""
    requests = analysis.requests
    owner = requests.batch_owner
    numbers = 1 + np.arange(len(owner))
    of_request: dict[int, tuple[range, ...]] = {}
    of_batch: dict[int, tuple[range, ...]] = {}
    for of_owner, owners in ((of_request, owner), (of_batch, requests.batch_index)):
        for each, number in zip(owners.tolist(), numbers.tolist(), strict=True):
            of_owner[each] = (*of_owner.get(each, ()), range(number, number + 1))
    of_plane: dict[int, Int64s] = {}
    last = len(numbers)
    paths = analysis.paths
    for work in () if isinstance(paths, Unavailable) else paths.device_owners():
        arrow = np.zeros(len(work.plane.events), np.int64)
        last = _number(arrow, work.row, work.batch, of_batch, last)
        last = _number(arrow, work.row, work.request, of_request, last)
        of_plane[id(work.plane)] = arrow
    planes = analysis.capture.planes
    return Arrows(of_request, of_batch, tuple(of_plane.get(id(plane)) for plane in planes))


def _number(
    arrow: Int64s, rows: Ints, owner: Ints, of_owner: dict[int, tuple[range, ...]], last: int
) -> int:
    """Number the events with an owner, so that those of one owner follow each other.

    Args:
        arrow: (events,) is filled.
        rows: (n,) rows of the events.
        owner: (n,) -1 for none.
        of_owner: The numbers are added to those of each owner.
        last: The last number that was given.

    Returns:
        The last number given now.
    """
    mine = np.flatnonzero(owner >= 0)
    mine = mine[np.argsort(owner[mine], kind="stable")]
    first = last + 1
    arrow[rows[mine]] = first + np.arange(len(mine))
    owners, begins = np.unique(owner[mine], return_index=True)
    bounds = [*begins.tolist(), len(mine)]
    for each, begin, end in zip(owners.tolist(), bounds[:-1], bounds[1:], strict=True):
        of_owner[each] = (*of_owner.get(each, ()), range(first + begin, first + end))
    return last + len(mine)
