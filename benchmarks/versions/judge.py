"""Whether diag's answer about a recording is right, and if not, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.versions.matching import inside, match
from diag.errors import EmptyCaptureError
from diag.model.gaps import IdleCause
from diag.model.serving import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.versions.answer import Answer
    from benchmarks.versions.expectations import Expectation

# A share of the calls, 0 to 1, that may have no request, and of requests without a call: which of
# them touch an edge of the window is a matter of microseconds.
MISSED_MAX_RATIO = 0.02
# How far the median request may be from its call: between the client's clock and the events of
# the run lies the Python of `Session.run`, 0.3 to 0.5 ms in these recordings on two busy cores.
MEDIAN_MAX_ERROR_NS = 750_000
# How far the wall clock of the trace may be from the client's: both read the same clock.
CLOCK_MAX_ERROR_NS = 5_000_000
# The begin and the end of the window.
EDGES = 2
# A share of the window, 0 to 1, that counts as a claim about idle time.
CLAIM_MIN_RATIO = 0.01


@dataclass(frozen=True, slots=True)
class Judgement:
    """One recording's.

    Attributes:
        faults: What is wrong, a phrase each; empty if the answer is right.
        matched: Calls inside the window that diag shows as a request.
        expected: Calls inside the window.
        found_ns: Median duration of the matched requests; 0 without any.
        true_ns: Median duration of their calls.
    """

    faults: tuple[str, ...]
    matched: int = 0
    expected: int = 0
    found_ns: float = 0.0
    true_ns: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def judge(said: Answer, expected: Expectation, truth: dict[str, Any]) -> Judgement:
    """Judge an answer.

    Args:
        said: diag's answer.
        expected: What the program is.
        truth: As ``programs/recording.py`` writes it.
    """
    faults = [f"stderr: {said.errors.splitlines()[0]}"] if said.errors else []
    if not said.tiles:
        faults.append("stages do not add up")
    if said.kind not in expected.kinds:
        faults.append(f"taken for {said.kind.value}")
    if expected.is_loop:
        return Judgement((*faults, *_false_claims(said), *_wrong_iterations(said, truth)))
    if not expected.has_requests:
        faults += [] if said.status == EmptyCaptureError.exit_code else [_status(said)]
        faults += [f"{len(said.model_calls)} iterations"] if len(said.model_calls) else []
        return Judgement((*faults, *_false_claims(said)))
    return _judge_requests(said, expected, truth, faults)


def _judge_requests(
    said: Answer, expected: Expectation, truth: dict[str, Any], faults: list[str]
) -> Judgement:
    calls = np.array([row[1:] for row in truth["calls"]], np.int64).reshape(-1, 2)
    pairs = match(said.requests, calls)
    whole = inside(calls, truth["window_unix_ns"])
    matched = int(np.isin(whole, pairs.call).sum())
    if said.status:
        faults.append(_status(said))
    if matched < (1 - MISSED_MAX_RATIO) * len(whole) - 1:
        faults.append(f"{matched} of {len(whole)} requests")
    extra = len(said.requests) - len(pairs.request)
    if extra > MISSED_MAX_RATIO * len(whole) + 1:
        faults.append(f"{extra} requests that are none")
    found_ns, true_ns = _median_ns(said.requests[pairs.request]), _median_ns(calls[pairs.call])
    if abs(found_ns - true_ns) > MEDIAN_MAX_ERROR_NS:
        faults.append(f"median {found_ns / 1e6:.1f} of {true_ns / 1e6:.1f} ms")
    if pairs.shift_ns and said.origin_unix_ns is not None:
        error_ns = said.origin_unix_ns - pairs.shift_ns
        if abs(error_ns) > CLOCK_MAX_ERROR_NS:
            faults.append(f"wall clock off by {error_ns / 1e6:.0f} ms")
    faults += _wrong_stage(said.stage_ns, expected.wait)
    clients = len({row[0] for row in truth["calls"]})
    if said.cut > EDGES * clients:  # a client has one call open at a time
        faults.append(f"{said.cut} cut by the window")
    return Judgement(tuple(faults), matched, len(whole), found_ns, true_ns)


def _status(said: Answer) -> str:
    return f"exit status {said.status}"


def _wrong_iterations(said: Answer, truth: dict[str, Any]) -> list[str]:
    """The first and the last call of a thread bound no complete iteration."""
    calls = np.array([row[1:] for row in truth["calls"]], np.int64).reshape(-1, 2)
    whole = inside(calls, truth["window_unix_ns"])
    pairs = match(said.model_calls, calls)
    matched = int(np.isin(whole, pairs.call).sum())
    extra = len(said.model_calls) - len(pairs.request)
    threads = len({row[0] for row in truth["calls"]})
    faults = [_status(said)] if said.status else []
    if matched < len(whole) - EDGES * threads:
        faults.append(f"{matched} of {len(whole)} calls are iterations")
    return [*faults, f"{extra} iterations that are none"] if extra > threads else faults


def _wrong_stage(stage_ns: Mapping[Stage, int], wait: Stage | None) -> list[str]:
    """How much time is in the model depends on the machine; which wait is longest does not."""
    if not stage_ns:
        return []
    if wait is None:
        largest = max(stage_ns, key=lambda stage: stage_ns[stage])
        return [] if largest is Stage.COMPUTE else [f"most time in {largest.value}"]
    waits = {stage: ns for stage, ns in stage_ns.items() if stage is not Stage.COMPUTE}
    longest = max(waits, key=lambda stage: waits[stage], default=None)
    return [] if longest is wait else [f"not {wait.value} but {longest and longest.value}"]


def _false_claims(said: Answer) -> list[str]:
    """What must not be said of a trace without requests."""
    claims = []
    if len(said.requests):
        claims.append(f"{len(said.requests)} requests")
    if said.cut:
        claims.append(f"{said.cut} cut by the window")
    if "no demand" in said.sentence:
        claims.append("no demand")
    no_demand = said.idle_ratios.get(IdleCause.NO_DEMAND, 0.0)
    starved = sum(ratio for cause, ratio in said.idle_ratios.items() if cause.is_starvation)
    if starved >= CLAIM_MIN_RATIO:
        claims.append(f"starved {starved:.0%}")
    if no_demand >= CLAIM_MIN_RATIO:
        claims.append(f"{no_demand:.0%} idle without demand")
    return claims


def _median_ns(spans: Any) -> float:
    return float(np.median(spans[:, 1] - spans[:, 0])) if len(spans) else 0.0
