"""Graphs and models of the scenarios, and what a scenario is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from diag.model.gaps import IdleCause
from diag.model.serving import Mode
from diag.testing.gpu_server.plan import MS, US, Model, Op, Plan, copy_in, copy_out, kernel, queue


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plan and what is planted in it.

    Attributes:
        planted: The planted cause of idle time; None if it mixes causes or none is planted.
        finding: Id of the finding that is about it and comes first, or ``healthy``; "" if several
            would be right.
    """

    name: str
    planted: IdleCause | None
    plan: Plan
    finding: str = ""


INPUT: Final = Op("images/copy:_Send", 3 * US, (copy_in(600_000, 60 * US),))
OUTPUT: Final = Op("scores/copy:_Send", 3 * US, (copy_out(4_000, 8 * US),))
LARGE_OUTPUT: Final = Op("scores/copy:_Send", 3 * US, (copy_out(8_000_000, 800 * US),))
CONVOLUTIONS: Final = tuple(
    Op(f"block_{i}/conv:Conv2D", 4 * US, (kernel(f"implicit_gemm_{i % 3}", 250 * US),))
    for i in range(8)
)
NET: Final = (INPUT, *CONVOLUTIONS, OUTPUT)
DECODE: Final = Op("map/decode:DecodeJpeg", 4 * MS)
RESIZE: Final = Op("map/resize:ResizeBilinear", 1 * MS)
# Each convolution's result goes to the host and back.
ISLANDS: Final = tuple(
    op
    for i, convolution in enumerate(CONVOLUTIONS)
    for op in (
        convolution,
        Op(f"island_{i}/out:_Send", 3 * US, (copy_out(400_000, 150 * US),)),
        Op(f"island_{i}/shape:Bincount", 60 * US),
        Op(f"island_{i}/in:_Recv", 3 * US, (copy_in(400_000, 200 * US),)),
    )
)
SESSION: Final = Model(NET, batching=queue(8, 2 * MS))
ALONE: Final = replace(SESSION, mode=Mode.UNBATCHED)
