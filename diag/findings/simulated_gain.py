"""Gains of batching settings: the recorded load on a simulated server with each of them.

Every finding that proposes a batching parameter gets its gain here. Of several proposed settings,
the one that the simulation finds best comes first; those that gain nothing in it are not advised.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.errors import UsageError
from diag.findings import thresholds
from diag.findings.batching import SIGNATURES_CALLED, restore
from diag.findings.enable_batching import ENABLE_BATCHING
from diag.findings.metrics import measure
from diag.model.availability import Unavailable
from diag.model.finding import Gain, NotAdvised, Tier
from diag.model.quantity import number, quantity
from diag.prediction.changes import LEAST, SIZES, read_changes
from diag.prediction.recorded import check_against, read_recorded
from diag.prediction.replicates import Estimate, Replicates, estimate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis.result import Analysis
    from diag.model.finding import Finding, Remedy, Setting
    from diag.prediction.recorded import RecordedServer
    from diag.prediction.replicates import Estimates
    from diag.simulation.options import ServerSettings

_TRIED = frozenset((*LEAST, SIZES, ENABLE_BATCHING, SIGNATURES_CALLED))
_NAMED = re.compile(r"(\w+) (\d+)")
_FAILING = (Tier.FAILURES, Tier.FEW_FAILURES)


class _NoGain(NamedTuple):
    """What a setting does not improve, in half a sentence."""

    reason: str


class _Option(NamedTuple):
    """A remedy that was simulated."""

    remedy: Remedy
    made: Estimates
    gain: Gain | _NoGain | Unavailable


def with_simulated_gains(analysis: Analysis, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, with gains of batching settings by simulation, and the best setting first.

    The recording is read once, and only if a finding proposes such a setting. Where it cannot be
    simulated, a gain that was computed from recorded waits stays and says so.
    """
    found = tuple(findings)
    if not any(_settings(each) for each in found):
        return found
    simulation = _simulation(analysis)
    return tuple(_simulated(simulation, each) if _settings(each) else each for each in found)


def _settings(finding: Finding) -> tuple[Remedy, ...]:
    """The remedies that can be simulated; none where the first remedy has no setting."""
    tried = tuple(each for each in finding.remedies if _is_tried(each.setting))
    return tried if tried and finding.remedies[0] in tried else ()


def _is_tried(setting: Setting | None) -> bool:
    return (
        setting is not None and setting.name in _TRIED and not isinstance(setting.to, Unavailable)
    )


def _values(setting: Setting) -> dict[str, str]:
    """The parameters of a setting; ``enable_batching`` names those of the file to write."""
    if setting.name == ENABLE_BATCHING:
        return dict(_NAMED.findall(str(setting.to)))
    return {setting.name: str(setting.to)}


class _Simulation:
    """A server whose simulation gives what was measured, and the settings that were tried."""

    def __init__(self, analysis: Analysis, server: RecordedServer, today: Estimates) -> None:
        self.analysis, self.server, self.today = analysis, server, today
        self._made: dict[ServerSettings, Estimates] = {}

    def try_setting(self, setting: Setting) -> Estimates | Unavailable:
        """What the server gives with it."""
        if setting.name == SIGNATURES_CALLED:
            return self._one_signature(setting.scope)
        workload = self.server.workload
        try:
            changes = read_changes(_values(setting))
            settings = workload.changed(changes, self._queues(setting.scope))
        except UsageError as error:
            return Unavailable(str(error))
        if settings not in self._made:
            runs = _replicates(len(workload.arrivals))
            self._made[settings] = estimate(workload, self.server.service, settings, runs=runs)
        return self._made[settings]

    def _one_signature(self, model: str) -> Estimates | Unavailable:
        """With all requests of a model in the queue of one signature.

        Which signature can serve them all is not in the recording: the value is of the dearest, and
        the range holds those of all whose batches are known well.
        """
        workload, queues = self.server.workload, self._queues(model) or frozenset()
        times = np.bincount(
            self.analysis.batches.queue_index, minlength=len(workload.settings.queues)
        )
        known = [each for each in sorted(queues) if times[each] >= thresholds.QUEUE_BATCHES_MIN]
        if not known:
            return Unavailable(
                f"no queue of {model} has {thresholds.QUEUE_BATCHES_MIN} recorded batches"
            )
        runs = _replicates(len(workload.arrivals) * len(known))
        made = [
            estimate(
                workload.joined(queues, into), self.server.service, workload.settings, runs=runs
            )
            for into in known
        ]
        dearest = max(made, key=lambda each: each["mean_ms"].value)
        return {
            name: Estimate(
                dearest[name].value,
                min(each[name].low for each in made),
                max(each[name].high for each in made),
            )
            for name in dearest
        }

    def _queues(self, scope: str) -> frozenset[int] | None:
        if not scope:
            return None
        queues, names = self.analysis.batches.queues, self.analysis.queues
        return frozenset(queues.index(each.queue) for each in names if each.model == scope)


def _simulation(analysis: Analysis) -> _Simulation | Unavailable:
    server = read_recorded(analysis)
    if isinstance(server, Unavailable):
        return server
    workload, number = server.workload, len(server.workload.arrivals)
    if number > thresholds.SIMULATED_REQUESTS_MAX:
        return Unavailable(f"{number:,} requests take long to simulate; diag tune does it")
    runs = Replicates(_replicates(number).value, interval=0)
    today = estimate(workload, server.service, workload.settings, runs=runs)
    check = check_against(
        # A gain is of the mean, so that p99, which needs more runs, need not fit.
        server.measured,
        today,
        (each for each in server.checked if each != "p99_ms"),
    )
    if not check.ok:
        misses = ", ".join(f"{_name(n)} by {e:+.0%}" for n, e in check.misses.items())
        return Unavailable(f"the simulation of today's settings misses {misses}")
    return _Simulation(analysis, server, today)


def _name(metric: str) -> str:
    return {"mean_ms": "mean latency", "rows_mean": "rows in a batch"}.get(
        metric, metric.removesuffix("_ms")
    )


def _replicates(requests: int) -> Replicates:
    """As many as ``SIMULATED_RUN_REQUESTS`` allows for one setting."""
    most = thresholds.SIMULATED_RUN_REQUESTS // max(1, requests)
    return Replicates(value=max(1, min(3, most // 3)), interval=max(2, min(10, most - most // 3)))


def _simulated(simulation: _Simulation | Unavailable, finding: Finding) -> Finding:
    if isinstance(simulation, Unavailable):
        return replace(finding, gain=_not_simulated(finding, simulation.reason))
    is_failing = finding.tier in _FAILING
    gain_of = _refusals if is_failing else _latency
    options, unknown = [], Unavailable("")
    for remedy in _settings(finding):
        assert remedy.setting is not None
        made = simulation.try_setting(remedy.setting)
        if isinstance(made, Unavailable):
            unknown = made
        else:
            options.append(_Option(remedy, made, gain_of(simulation, made)))
    if not options or options[0].remedy is not finding.remedies[0]:
        return replace(finding, gain=_not_simulated(finding, unknown.reason))
    metric = "refused_ratio" if is_failing else "mean_ms"
    ranked = sorted(options, key=lambda each: each.made[metric].value)  # stable
    best = ranked[0]
    reordered = _in_order(finding.remedies, options, ranked)
    if isinstance(best.gain, _NoGain):
        return _without_gain(finding, options, best.gain)
    rollback = finding.rollback
    if reordered[0] is not finding.remedies[0] and best.remedy.setting is not None:
        rollback = restore(best.remedy.setting)
    rejected = _rejected(ranked)
    return replace(
        finding,
        remedies=tuple(each for each in reordered if each not in [r.remedy for r in rejected]),
        not_advised=rejected,
        rollback=rollback,
        gain=best.gain,
    )


def _rejected(options: Iterable[_Option]) -> tuple[NotAdvised, ...]:
    return tuple(
        NotAdvised(each.remedy, each.gain.reason)
        for each in options
        if isinstance(each.gain, _NoGain)
    )


def _without_gain(finding: Finding, options: list[_Option], best: _NoGain) -> Finding:
    """No setting helps: none is advised, and what would check or undo it goes too."""
    rejected = _rejected(options)
    simulated = [each.remedy for each in options]
    rest = tuple(each for each in finding.remedies if each not in simulated)
    return replace(
        finding,
        remedies=rest,
        not_advised=rejected,
        gain=Unavailable(best.reason),
        verify=finding.verify if rest else (),
        rollback="Undo the change." if rest else "",
    )


def _in_order(
    remedies: tuple[Remedy, ...], options: list[_Option], ranked: list[_Option]
) -> tuple[Remedy, ...]:
    """The remedies with those that were simulated in a new order, in the same places."""
    places = [remedies.index(each.remedy) for each in options]
    result = list(remedies)
    for place, option in zip(places, ranked, strict=True):
        result[place] = option.remedy
    return tuple(result)


def _latency(simulation: _Simulation, estimates: Estimates) -> Gain | _NoGain | Unavailable:
    """Mean latency of all complete requests: unbatched ones stay as they are."""
    analysis, real = simulation.analysis, simulation.server.measured
    made, requests = estimates["mean_ms"], analysis.requests
    batched = requests.complete & (np.diff(requests.batch_offsets) > 0)
    simulated = batched if simulation.server.workload.is_batched else requests.complete
    share = float(simulated.sum()) / max(1, int(requests.complete.sum()))
    now = measure(analysis, "latency.mean")
    if isinstance(now, Unavailable):
        return now
    rest_ns = now - share * real.mean_ms * 1e6
    slack = thresholds.SIMULATION_ERROR
    low = rest_ns + share * made.low * 1e6 * (1 - slack)
    high = rest_ns + share * made.high * 1e6 * (1 + slack)
    if not rest_ns + share * made.value * 1e6 < now * (1 - thresholds.SIMULATED_MIN_GAIN):
        shown = " to ".join(quantity(each, "ns") for each in (low, high))
        return _NoGain(
            f"in a simulation, mean latency does not fall: {quantity(now, 'ns')} → {shown}"
        )
    return Gain("latency.mean", "ns", now, low, high, _method(simulation, estimates))


def _refusals(simulation: _Simulation, estimates: Estimates) -> Gain | _NoGain | Unavailable:
    """The failed part of the requests: those that the queue refuses, and all others as today."""
    now, real = measure(simulation.analysis, "requests.failed"), simulation.server.measured
    if isinstance(now, Unavailable):
        return now
    made, refused = estimates["refused_ratio"], real.refused_ratio
    today = simulation.today["refused_ratio"].value
    if not refused or abs(today - refused) > thresholds.SIMULATED_REFUSED_ERROR * refused:
        return Unavailable(
            f"the simulation of today's settings refuses {today:.1%} of requests, and "
            f"{refused:.1%} were refused"
        )
    rest, slack = max(0.0, now - refused), thresholds.SIMULATED_REFUSED_ERROR
    low, high = rest + made.low * (1 - slack), rest + made.high * (1 + slack)
    if not rest + made.value < now * (1 - thresholds.SIMULATED_MIN_GAIN):
        return _NoGain(
            f"in a simulation, no fewer requests are refused: {now:.1%} → {low:.1%} to {high:.1%}"
        )
    return Gain("requests.failed", "ratio", now, low, high, _method(simulation, estimates))


def _method(simulation: _Simulation, estimates: Estimates) -> str:
    """How the gain was computed, and whether a batch is larger than any that was recorded."""
    times, rows = simulation.server.service.best, round(estimates["most_rows"].value)
    beyond = ""
    if not simulation.server.workload.is_batched:
        beyond = (
            " What a batch of several requests takes is not recorded: the range goes from the time "
            "of one to that of all, one after the other."
        )
    elif times.is_extrapolated(rows):
        of_queue = "" if len(times.curves) == 1 else " of the queue with the smallest ones"
        beyond = (
            f" Batches of up to {rows} rows were simulated, and the largest recorded one{of_queue} "
            f"had {times.least_recorded_rows}: the times of larger ones are extrapolated."
        )
    return (
        "Simulated with the recorded load and times of batches; with today's settings, the "
        f"simulation gives what was measured.{_throughput(simulation, estimates)}{beyond}"
    )


def _throughput(simulation: _Simulation, estimates: Estimates) -> str:
    """What it does to throughput, where clients or refusals let that change."""
    now, made = simulation.server.measured.throughput_per_s, estimates["throughput_per_s"]
    if abs(made.value / now - 1) < thresholds.SIMULATED_MIN_GAIN:
        return ""
    shown = " to ".join(number(round(each)) for each in (made.low, made.high))
    return f" Answered requests: {number(round(now))}/s now, {shown}/s then."


def _not_simulated(finding: Finding, reason: str) -> Gain | Unavailable:
    """Without a simulation: what recorded waits bound, or why there is no gain."""
    if isinstance(finding.gain, Unavailable):
        return Unavailable(f"it needs a simulation, and {reason}")
    return replace(finding.gain, method=f"{finding.gain.method} Not simulated: {reason}.")
