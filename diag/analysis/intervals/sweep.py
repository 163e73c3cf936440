"""One pass over the edges of many interval sets, one part of the axis at a time.

A GPU has millions of intervals. Sorting all edges at once would take several times the memory of
the sets; one part of the axis needs only the memory of that part, which stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diag.model.events import Int64s
from diag.model.intervals import IntervalSet

Held = NDArray[np.signedinteger[Any]]
Codes = NDArray[np.int8]

SETS_MAX = 62  # one bit for each set, without the sign bit and one in reserve
_NARROW_BITS = 31
CHUNK = 1 << 15


def slices(count: int) -> Iterator[slice]:
    """Slices over ``count`` rows, each of a size that fits the cache."""
    for low in range(0, count, CHUNK):
        yield slice(low, min(low + CHUNK, count))


def coded(sets: list[IntervalSet], judge: Callable[[Held], Codes]) -> tuple[Int64s, Int64s, Codes]:
    """Cut the axis into the longest stretches of one code each.

    Args:
        sets: The sets that decide the code.
        judge: The code of an instant from the sets that cover it, bit i for set i. A negative code
            leaves the instant out; it must be negative where no set covers it.

    Returns:
        (n,) ascending begin, end and code of each stretch.

    Raises:
        ValueError: There are more sets than bits.
    """
    if len(sets) > SETS_MAX:
        raise ValueError(f"{len(sets)} sets, at most {SETS_MAX} are possible")
    edges = 2 * sum(len(each) for each in sets)
    # The most there can be; pages that are never written take no memory.
    start, end, codes = (
        np.empty(edges, np.int64),
        np.empty(edges, np.int64),
        np.empty(edges, np.int8),
    )
    open_at, open_code, count = 0, -1, 0
    for at, held in _stretches(sets):
        code = judge(held)
        changed = np.append(code[0] != open_code, code[1:] != code[:-1])
        at, code = at[changed], code[changed]
        if not len(at):
            continue
        # Each change ends the stretch that the change before it began.
        begun, of = np.append(open_at, at[:-1]), np.append(np.int8(open_code), code[:-1])
        kept = of >= 0
        into = slice(count, count + int(np.count_nonzero(kept)))
        start[into], end[into], codes[into] = begun[kept], at[kept], of[kept]
        open_at, open_code, count = int(at[-1]), int(code[-1]), into.stop
    for column in (start, end, codes):
        column.resize(count, refcheck=False)
    return start, end, codes


def _stretches(sets: list[IntervalSet]) -> Iterator[tuple[Int64s, Held]]:
    """Sorted edges without repetition, and the sets that cover the axis from each edge on."""
    narrow = np.int32 if len(sets) < _NARROW_BITS else np.int64  # half the memory to read
    sides = [
        (edges, sign << i)
        for i, s in enumerate(sets)
        for edges, sign in ((s.start_ns, 1), (s.end_ns, -1))
    ]
    bits = np.array([bit for _, bit in sides], narrow)
    # No part has more than a chunk of begins, or of ends, of one set.
    borders = np.unique(np.concatenate([each.start_ns[CHUNK::CHUNK] for each in sets]))
    cuts = [[0, *np.searchsorted(edges, borders).tolist(), len(edges)] for edges, _ in sides]
    held_so_far = 0
    for stretch in range(len(borders) + 1):
        parts = [
            edges[cut[stretch] : cut[stretch + 1]]
            for (edges, _), cut in zip(sides, cuts, strict=True)
        ]
        at = np.concatenate(parts)
        if not len(at):
            continue
        # Each set is sorted, and a stable sort merges sorted runs in nearly linear time.
        order = np.argsort(at, kind="stable")
        held = np.repeat(bits, [len(part) for part in parts])[order]
        held[0] += held_so_far
        np.cumsum(held, out=held)
        held_so_far = int(held[-1])
        at = at[order]
        final = np.append(at[1:] != at[:-1], True)
        yield at[final], held[final]
