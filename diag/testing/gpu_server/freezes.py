"""Freeze a simulated server: time passes, but none of its threads runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    import random

    from diag.testing.gpu_server.plan import Plan
    from diag.testing.gpu_server.recording import EventLog
    from diag.testing.gpu_server.truth import Truth

# Only preprocessing of at least this length is interrupted.
STRETCH_NS: Final = 100_000


def freeze(plan: Plan, recording: EventLog, truth: Truth, chance: random.Random) -> None:
    """Insert the plan's freezes into preprocessing while the GPU is idle; for one GPU only."""
    if not plan.freezes:
        return
    pieces = [
        piece
        for piece in truth.idle(0, (0, plan.duration_ns))
        if piece.what is IdleCause.PREPROCESS and piece.end_ns - piece.start_ns >= STRETCH_NS
    ]
    chosen = sorted(chance.sample(pieces, len(plan.freezes)), key=lambda piece: piece.start_ns)
    stops = [(piece.start_ns + piece.end_ns) // 2 for piece in chosen]

    def later(at_ns: int) -> int:
        return at_ns + sum(d for stop, d in zip(stops, plan.freezes, strict=True) if stop < at_ns)

    recording.moved(later)
    truth.moved(later)
    for stop, duration in zip(stops, plan.freezes, strict=True):
        truth.freezes.append((later(stop), later(stop) + duration))
        truth.add(0, IdleCause.THROTTLED, *truth.freezes[-1])
