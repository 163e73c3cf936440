"""Joins of producer and consumer events by 64-bit id; where an id repeats, by time."""

from __future__ import annotations

import numpy as np

from diag.model.events import Int64s


def latest_before(key: Int64s, at_ns: Int64s, wanted: Int64s, wanted_ns: Int64s) -> Int64s:
    """(n,) position of the last entry with the wanted key and ``at_ns <= wanted_ns``, or -1."""
    return _search(key, at_ns, wanted, wanted_ns, after=False)


def earliest_after(key: Int64s, at_ns: Int64s, wanted: Int64s, wanted_ns: Int64s) -> Int64s:
    """(n,) position of the first entry with the wanted key and ``at_ns >= wanted_ns``, or -1."""
    return _search(key, at_ns, wanted, wanted_ns, after=True)


def _search(
    key: Int64s, at_ns: Int64s, wanted: Int64s, wanted_ns: Int64s, *, after: bool
) -> Int64s:
    if not len(key) or not len(wanted):
        return np.full(len(wanted), -1, np.int64)
    # Ranks instead of values, so that (key, time) fits one integer for any 64-bit ids and times.
    _, code = np.unique(np.concatenate((key, wanted)), return_inverse=True)
    times, rank = np.unique(np.concatenate((at_ns, wanted_ns)), return_inverse=True)
    place = code.astype(np.int64) * len(times) + rank
    order = np.argsort(place[: len(key)], kind="stable")
    entries = place[: len(key)][order]
    targets = place[len(key) :]
    if after:
        index = np.searchsorted(entries, targets, side="left")
    else:
        index = np.searchsorted(entries, targets, side="right") - 1
    found = (index >= 0) & (index < len(entries))
    index = np.where(found, index, 0)
    found &= entries[index] // len(times) == code[len(key) :]
    return np.where(found, order[index], -1)


def take_known(values: Int64s, index: Int64s) -> Int64s:
    """``values[index]`` where index >= 0; any value elsewhere, which the caller masks.

    Args:
        values: (n,), which may be empty.
        index: (m,) into them; negative for none.
    """
    return values[np.maximum(index, 0)] if len(values) else np.zeros(len(index), np.int64)
