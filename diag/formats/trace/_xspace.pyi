from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diag.model.events import StatValue

class RawLine:
    id: int
    name: str
    timestamp_ns: int

class RawPlane:
    id: int
    name: str
    lines: list[RawLine]
    line_origin_ns: list[int]
    stats: dict[str, StatValue]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    name_id: NDArray[np.int32]
    line_index: NDArray[np.int32]
    columns: dict[str, tuple[NDArray[np.int32], NDArray[np.int32 | np.int64]]]
    untimed_events: int
    reversed_events: int

class RawSpace:
    planes: list[RawPlane]
    names: list[str]
    errors: list[str]
    warnings: list[str]
    hostnames: list[str]
    origin_unix_ns: int | None
    event_count: int

def decode(
    data: bytes | memoryview,
    *,
    max_events: int,
    integer_stats: Sequence[str],
    text_stats: Sequence[str],
    typed_events: Sequence[str],
    type_stats: Sequence[str],
) -> RawSpace: ...
