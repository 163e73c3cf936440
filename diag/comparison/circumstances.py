"""What differs between two sides besides the change under test: load, models, host, tracer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.cpu import machine_cores
from diag.analysis.requests.model_names import OTHER_MODELS, UNNAMED
from diag.comparison import thresholds
from diag.comparison.result import Circumstance
from diag.model.availability import Unavailable
from diag.model.quantity import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.comparison.series import RequestSeries, WindowSeries

_UNKNOWN = "n/a"
_UNNAMED = (UNNAMED, OTHER_MODELS)
_QUEUE = "queue "  # the label of a queue whose model is not known has its key, new at each start


def load_per_second(analyses: tuple[Analysis, ...]) -> float:
    """Complete requests a second of the windows together."""
    seconds = sum(each.capture.window.duration_ns for each in analyses) / 1e9
    requests = sum(int(each.requests.complete.sum()) for each in analyses)
    return requests / seconds if seconds else 0.0


def concurrency(analyses: tuple[Analysis, ...]) -> float:
    """Mean number of open requests: their time over that of the windows (Little's law)."""
    window_ns = sum(each.capture.window.duration_ns for each in analyses)
    spent_ns = sum(
        int(each.requests.duration_ns[each.requests.complete].sum()) for each in analyses
    )
    return spent_ns / window_ns if window_ns else 0.0


def circumstances(
    before: tuple[Analysis, ...],
    after: tuple[Analysis, ...],
    requests: tuple[RequestSeries, RequestSeries],
    windows: tuple[WindowSeries, WindowSeries],
) -> Iterator[Circumstance]:
    """Each with its values on both sides.

    Args:
        before: Analyses of one side.
        after: Of the other.
        requests: Of both sides.
        windows: Of both sides.
    """
    yield _load(before, after)
    yield _burstiness(*windows)
    yield _sizes(*requests)
    yield _models(before, after)
    yield _mix(before, after)
    yield _tracer_level(before, after)
    yield _cores(before, after)


def _differ(before: float, after: float, ratio: float) -> bool:
    return abs(after - before) > ratio * max(before, after)


def _load(before: tuple[Analysis, ...], after: tuple[Analysis, ...]) -> Circumstance:
    """Clients that wait for each answer send more as answers come faster: no other load."""
    rates = load_per_second(before), load_per_second(after)
    open_ = concurrency(before), concurrency(after)
    differs = _differ(*rates, thresholds.LOAD_MAX_RATIO)
    is_closed_loop = differs and (
        not _differ(*open_, thresholds.CONCURRENCY_MAX_RATIO) or _have_same_callers(before, after)
    )
    consequence = ""
    if is_closed_loop:
        consequence = (
            f"The rate changed, but as many requests were open at once ({number(open_[0])} and "
            f"{number(open_[1])}). Clients that wait for each answer send more when answers come "
            "faster, which may be all there is to it."
        )
    elif differs:
        consequence = (
            "The load differs, and waits follow the load: the difference may come from that alone. "
            "Capture again under the same load."
        )
    shown = [f"{number(rate)} requests/s" for rate in rates]
    return Circumstance("load", shown[0], shown[1], differs and not is_closed_loop, consequence)


def _have_same_callers(before: tuple[Analysis, ...], after: tuple[Analysis, ...]) -> bool:
    """Whether as many clients wait for each answer on both sides."""
    most = most_open(before), most_open(after)
    open_ = concurrency(before), concurrency(after)
    return most[0] == most[1] > 0 and all(
        each >= thresholds.CALLERS_OPEN_MIN_RATIO * most[0] for each in open_
    )


def most_open(analyses: tuple[Analysis, ...]) -> int:
    """The most complete requests that were open at once in any of the captures."""
    most = 0
    for analysis in analyses:
        complete = analysis.requests.complete
        start_ns = np.sort(analysis.requests.start_ns[complete])
        end_ns = np.sort(analysis.requests.end_ns[complete])
        # A request that begins as another ends follows it: intervals are half-open.
        opened = np.arange(1, len(start_ns) + 1) - np.searchsorted(end_ns, start_ns, "right")
        most = max(most, int(opened.max(initial=0)))
    return most


def _burstiness(before: WindowSeries, after: WindowSeries) -> Circumstance:
    """Index of dispersion of arrivals a bin: variance over mean, 1 for independent arrivals."""
    values = [_dispersion(each) for each in (before, after)]
    known = [value for value in values if not isinstance(value, Unavailable)]
    if len(known) < len(values):
        reason = Unavailable("too few requests")
        return Circumstance("burstiness of arrivals", _UNKNOWN, _UNKNOWN, reason)
    low, high = sorted(known)
    differs = high > 1 and high > thresholds.BURSTINESS_MAX_RATIO * max(low, 1.0)
    consequence = "Arrivals come in larger bursts on one side: queues may fill by that alone."
    return Circumstance(
        "burstiness of arrivals",
        number(known[0]),
        number(known[1]),
        differs,
        consequence if differs else "",
    )


def _dispersion(windows: WindowSeries) -> float | Unavailable:
    mean = float(windows.arrivals.mean()) if len(windows.arrivals) else 0.0
    if mean < 1:
        return Unavailable("fewer requests than bins")
    return float(windows.arrivals.var() / mean)


def _sizes(before: RequestSeries, after: RequestSeries) -> Circumstance:
    """Rows of the requests; total variation distance between their distributions."""
    name = "rows of a request"
    known = [each.rows[each.rows >= 0] for each in (before, after)]
    if not all(len(each) for each in known):
        return Circumstance(
            name, _UNKNOWN, _UNKNOWN, Unavailable("the traces do not show the rows of requests")
        )
    sizes = np.unique(np.concatenate(known))
    parts = [
        np.bincount(np.searchsorted(sizes, each), minlength=len(sizes)) / len(each)
        for each in known
    ]
    distance = float(np.abs(parts[0] - parts[1]).sum() / 2)
    differs = distance > thresholds.SIZES_MAX_DISTANCE
    consequence = "Requests are of other sizes, and larger ones take longer." if differs else ""
    means = [number(float(each.mean())) for each in known]
    return Circumstance(name, means[0], means[1], differs, consequence)


def _models(before: tuple[Analysis, ...], after: tuple[Analysis, ...]) -> Circumstance:
    names = [_served(side) for side in (before, after)]
    shown = [", ".join(sorted(each)) if each else _UNKNOWN for each in names]
    if not all(names):
        unknown = Unavailable("a capture does not name its models")
        return Circumstance("models", shown[0], shown[1], unknown)
    differs = names[0] != names[1]
    consequence = ""
    if differs:
        consequence = "Other models or versions were served: the difference may be theirs."
    return Circumstance("models", shown[0], shown[1], differs, consequence, of_server=True)


def _served(side: tuple[Analysis, ...]) -> set[str]:
    """Models that were available, as the server's status said."""
    found: set[str] = set()
    for analysis in side:
        server = analysis.capture.server
        if isinstance(server, Unavailable) or isinstance(server.models, Unavailable):
            continue
        found |= {f"{m.name}:{m.version}" for m in server.models if m.state == "AVAILABLE"}
    return found


def model_shares(side: tuple[Analysis, ...]) -> dict[str, float] | Unavailable:
    """Share of the complete requests by model, without versions; Unavailable without names."""
    counts: dict[str, int] = {}
    for analysis in side:
        requests = analysis.requests
        of_model = np.bincount(
            requests.model_index[requests.complete], minlength=len(requests.models)
        )
        for label, count in zip(requests.models, of_model.tolist(), strict=True):
            if count and (label in _UNNAMED or label.startswith(_QUEUE)):
                return Unavailable("a trace does not name its models")
            if count:
                name = label.rpartition(":")[0] or label
                counts[name] = counts.get(name, 0) + count
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}


def _mix(before: tuple[Analysis, ...], after: tuple[Analysis, ...]) -> Circumstance:
    """Total variation distance between the models' shares of requests."""
    name = "requests by model"
    shares = [model_shares(side) for side in (before, after)]
    known = [each for each in shares if not isinstance(each, Unavailable)]
    if len(known) < len(shares):
        missing = next(each for each in shares if isinstance(each, Unavailable))
        return Circumstance(name, _UNKNOWN, _UNKNOWN, missing)
    shown = [", ".join(f"{m} {share:.0%}" for m, share in sorted(each.items())) for each in known]
    distance = sum(abs(known[0].get(m, 0) - known[1].get(m, 0)) for m in {*known[0], *known[1]}) / 2
    differs = distance > thresholds.MIX_MAX_DISTANCE
    consequence = (
        "Other models took the requests, so that means and percentiles move by that alone."
    )
    return Circumstance(name, shown[0], shown[1], differs, consequence if differs else "")


def _tracer_level(before: tuple[Analysis, ...], after: tuple[Analysis, ...]) -> Circumstance:
    return _compared(
        "tracer level",
        [[each.tracer_level for each in side] for side in (before, after)],
        Unavailable("a trace does not say its tracer level"),
        "A higher tracer level makes requests slower by itself.",
    )


def _cores(before: tuple[Analysis, ...], after: tuple[Analysis, ...]) -> Circumstance:
    compared = _compared(
        "CPU cores",
        [[machine_cores(each) for each in side] for side in (before, after)],
        Unavailable("a side has no samples of the host"),
        "The machines have different numbers of CPU cores.",
    )
    return replace(compared, of_server=True)


def _compared(
    name: str, sides: list[list[int | Unavailable]], missing: Unavailable, consequence: str
) -> Circumstance:
    """The known values of each side; they differ if any of one is not of the other."""
    known = [{value for value in side if not isinstance(value, Unavailable)} for side in sides]
    shown = [", ".join(map(str, sorted(each))) if each else _UNKNOWN for each in known]
    if not all(known):
        return Circumstance(name, shown[0], shown[1], missing)
    differs = known[0] != known[1]
    return Circumstance(name, shown[0], shown[1], differs, consequence if differs else "")
