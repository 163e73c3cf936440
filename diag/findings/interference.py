"""One model's requests wait for threads that another model holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.findings.shares import sum_shares
from diag.model.finding import Evidence, Remedy, RemedyKind, RemedyPlace, Source
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.serving import Stage


class Interference(NamedTuple):
    """The model that waits most for another one.

    Attributes:
        waiting: Its name.
        holding: The model that holds the threads.
        mean_ns: Mean time of a request of ``waiting``.
        waits_ns: Part of it in the stage.
        share: Of the thread time that is held in these waits, the part that ``holding`` has.
    """

    waiting: str
    holding: str
    mean_ns: float
    waits_ns: float
    share: float


def find_interference(analysis: Analysis, stage: Stage) -> Interference | None:
    """The pair with most waiting, as a share of the waiting model's own request time.

    None unless the wait takes ``STAGE_MIN_SHARE`` of that, and the other model holds
    ``HELD_MIN_SHARE`` of the threads meanwhile.
    """
    found = []
    for each in analysis.held_threads:
        if each.stage is not stage or each.waiting == each.holding:
            continue
        shares = sum_shares(analysis, each.waiting)
        if shares is None or each.share < thresholds.HELD_MIN_SHARE:
            continue
        waits = shares.by_stage[stage]
        if waits >= thresholds.STAGE_MIN_SHARE:
            pair = Interference(
                each.waiting, each.holding, shares.mean_ns, waits * shares.mean_ns, each.share
            )
            found.append((waits * each.share, pair))
    return max(found, key=lambda item: item[0])[1] if found else None


def interference_sentence(pair: Interference, threads: str) -> str:
    """Which model waits how long, and whose work is on the threads meanwhile."""
    waiting, holding = _name(pair.waiting), _name(pair.holding)
    return (
        f"{waiting} waits {duration(pair.waits_ns)} of {duration(pair.mean_ns)} so, and meanwhile "
        f"{pair.share:.0%} of the work on {threads} is {holding}'s."
    )


def interference_evidence(pair: Interference, stage: Stage) -> tuple[Evidence, ...]:
    """The numbers of the sentence."""
    of_model = Source("ledger", pair.waiting)
    of_stage = Source("ledger", f"{pair.waiting} {stage.value}")
    where = Source("trace", f"{pair.holding} at work while {pair.waiting} waits")
    return (
        Evidence(f"mean of {pair.waiting}", pair.mean_ns, "ns", of_model),
        Evidence(f"{stage.value} mean of {pair.waiting}", pair.waits_ns, "ns", of_stage),
        Evidence(f"threads held by {pair.holding} meanwhile", pair.share, "ratio", where),
    )


def apart(pair: Interference) -> Remedy:
    """Servers of their own for the two models."""
    return Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.FLEET,
        f"Serve {_name(pair.waiting)} and {_name(pair.holding)} on separate servers.",
        risk="It may cost a machine.",
    )


def with_apart(pair: Interference, remedies: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    """First where the machine has no core for more threads, else after them."""
    if remedies[0].kind is RemedyKind.FLAG and remedies[0].setting is not None:
        return (remedies[0], apart(pair), *remedies[1:])
    return (apart(pair), *remedies)


def _name(model: str) -> str:
    return printable(model, NAME_MAX_CHARS)
