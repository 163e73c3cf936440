"""One model's requests wait for threads or for a GPU that another model's work holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.findings.shares import sum_shares

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.serving import Stage


class Interference(NamedTuple):
    """The model that waits most for another one.

    Attributes:
        stage: In which it waits.
        victim: Its name.
        culprit: The model whose work it waits for.
        requests: Complete requests of the victim.
        mean_ns: Mean time of one of them.
        waits_ns: Part of it in the stage.
        held_share: Of the work on what they wait for, meanwhile: the culprit's part, 0 to 1.
    """

    stage: Stage
    victim: str
    culprit: str
    requests: int
    mean_ns: float
    waits_ns: float
    held_share: float

    @property
    def wait_share(self) -> float:
        """Part of the victim's request time in the stage, 0 to 1."""
        return self.waits_ns / self.mean_ns


def find_interference(analysis: Analysis, *stages: Stage) -> Interference | None:
    """The pair with most waiting for another model, as a share of the victim's own request time.

    None unless the wait takes ``STAGE_MIN_SHARE`` of that, and the other model does
    ``HELD_MIN_SHARE`` of the work meanwhile.
    """
    found = []
    for each in analysis.blocking:
        if each.stage not in stages or each.waiting == each.holding:
            continue
        shares = sum_shares(analysis, each.waiting)
        if shares is None or each.share < thresholds.HELD_MIN_SHARE:
            continue
        waits = shares.by_stage[each.stage]
        if waits >= thresholds.STAGE_MIN_SHARE:
            pair = Interference(
                each.stage,
                each.waiting,
                each.holding,
                shares.requests,
                shares.mean_ns,
                waits * shares.mean_ns,
                each.share,
            )
            found.append((waits * each.share, pair))
    return max(found, key=lambda item: item[0])[1] if found else None
