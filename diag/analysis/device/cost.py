"""The cost of a model on the device: t(b), kernels and bytes per request, padding, launch score.

A batch's device time is divided by its requests. The time of a run is the union of its own kernels,
memsets and copies within the device, by device; other work on the same streams does not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diag.analysis.device.launching import launching_ns
from diag.analysis.device.runs import Runs
from diag.analysis.distribution import describe, percentile
from diag.analysis.execution.device_kinds import COPY_IN, COPY_OUT, KERNEL
from diag.analysis.execution.device_links import DeviceEvents
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.execution import Execution
from diag.analysis.fit import Fit, effect_of_size, fit
from diag.analysis.intervals.sets import Lanes
from diag.analysis.intervals.sweep import slices
from diag.analysis.thresholds import MIN_SAMPLES_P90
from diag.model.availability import Unavailable
from diag.model.device import BatchSizeCost, ModelDeviceCost
from diag.model.events import Bools, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class _Spent:
    """By run, over all devices: columns of (runs,) int64.

    ``unsized`` counts copies without a recorded size; ``copying_ns`` is the time of the others.
    """

    compute_ns: Int64s
    kernels: Int64s
    span_ns: Int64s
    launching_ns: Int64s
    size_in: Int64s
    size_out: Int64s
    copying_in_ns: Int64s
    copying_out_ns: Int64s
    sized_in: Int64s
    sized_out: Int64s
    unsized_in: Int64s
    unsized_out: Int64s


def cost_models(execution: Execution, runs: Runs) -> tuple[ModelDeviceCost, ...]:
    """One entry for each model with device work, by name."""
    host, device = execution.events, execution.device
    launching = launching_ns(host, execution.op_class, device, execution.steps, execution.staged)
    spent = _spend(device, runs, launching)
    models = sorted(set(runs.model.tolist()), key=lambda index: runs.labels[index])
    return tuple(_cost(runs.labels[index], runs.model == index, runs, spent) for index in models)


def _spend(device: DeviceWork, runs: Runs, launching: Int64s) -> _Spent:
    n = len(runs)
    sums = {name: np.zeros(n, np.int64) for name in _Spent.__dataclass_fields__}
    for each in device.devices:
        work = each.events
        run = np.append(runs.of_step, -1).astype(np.int32)[work.step]  # the step -1 finds the last
        sums["compute_ns"] += _time(run, work, work.is_compute & (run >= 0), n)
        sums["kernels"] += np.bincount(run[(work.kind == KERNEL) & (run >= 0)], minlength=n)
        for way, code in (("in", COPY_IN), ("out", COPY_OUT)):
            copy = (work.kind == code) & (run >= 0)
            sized = copy & (work.size_bytes >= 0)
            np.add.at(sums[f"size_{way}"], run[sized], work.size_bytes[sized])
            sums[f"copying_{way}_ns"] += _time(run, work, sized, n)
            sums[f"sized_{way}"] += np.bincount(run[sized], minlength=n)
            sums[f"unsized_{way}"] += np.bincount(run[copy & ~sized], minlength=n)
    step = np.flatnonzero(device.used & (runs.of_step >= 0))
    np.add.at(sums["span_ns"], runs.of_step[step], device.last_ns[step] - device.first_ns[step])
    np.add.at(sums["launching_ns"], runs.of_step[step], launching[step])
    return _Spent(**sums)


def _time(run: Int32s, work: DeviceEvents, keep: Bools, runs: int) -> Int64s:
    """(runs,) length of the union of each run's work, of that which ``keep`` selects."""
    run, start, end = run[keep], work.start_ns[keep], work.end_ns[keep]
    out = np.zeros(runs, np.int64)
    if not len(run):
        return out
    low, high = np.full(runs, start.min()), np.full(runs, end.max())
    lanes = Lanes.over(low, high)
    begin, stop = lanes.lay(run, start, end, low, high).edges
    for some in slices(len(begin)):
        np.add.at(out, lanes.owner(begin[some]), stop[some] - begin[some])
    return out


def _cost(model: str, mine: Bools, runs: Runs, spent: _Spent) -> ModelDeviceCost:
    whole = mine & runs.is_whole
    line = fit(runs.rows[whole], spent.compute_ns[whole])
    padding, is_bound = _padding(runs, spent, whole, line)
    # Work that a request ran outside its batch has no requests of its own, but is a cost too.
    counted = mine & ((runs.requests > 0) | ~runs.is_whole)
    if not (runs.requests[counted] > 0).any():
        counted = mine
    requests = int(runs.requests[counted].sum())
    share = max(requests, 1)
    span = int(spent.span_ns[mine].sum())
    return ModelDeviceCost(
        model=model,
        curve=_curve(runs.rows[whole], spent.compute_ns[whole]),
        fixed_ns=line.fixed_ns,
        per_row_ns=line.per_row_ns,
        larger_batches=effect_of_size(line, runs.rows[whole]),
        requests=requests,
        device_ns_per_request=float(spent.compute_ns[counted].sum() / share),
        kernels_per_request=float(spent.kernels[counted].sum() / share),
        bytes_in_per_request=_bytes(
            spent.size_in[counted], spent.sized_in[counted], spent.unsized_in[counted], share
        ),
        bytes_out_per_request=_bytes(
            spent.size_out[counted], spent.sized_out[counted], spent.unsized_out[counted], share
        ),
        in_gb_per_s=_speed(spent.size_in[mine], spent.copying_in_ns[mine]),
        out_gb_per_s=_speed(spent.size_out[mine], spent.copying_out_ns[mine]),
        padding_ns=padding,
        padding_is_bound=is_bound,
        launch_bound_score=(
            float(spent.launching_ns[mine].sum() / span)
            if span
            else Unavailable("no run has device work with a duration")
        ),
    )


def _curve(rows: Int64s, time_ns: Int64s) -> tuple[BatchSizeCost, ...]:
    out = []
    for size in np.unique(rows).tolist():
        times = time_ns[rows == size]
        spread = describe(times)
        out.append(
            BatchSizeCost(
                rows=size,
                runs=len(times),
                mean_ns=int(times.sum()) / len(times),
                # As many samples lie beyond p10 as beyond p90.
                p10_ns=percentile(times, 10, MIN_SAMPLES_P90),
                p50_ns=spread.p50_ns,
                p90_ns=spread.p90_ns,
            )
        )
    return tuple(out)


def _padding(
    runs: Runs, spent: _Spent, whole: Bools, line: Fit
) -> tuple[float | Unavailable, bool]:
    """Device time of padding rows, and whether it is an upper bound only."""
    known = whole & (runs.rows > 0)
    if not known.any():
        return Unavailable("no run has recorded rows"), False
    padding, rows = runs.padding[known], runs.rows[known]
    if not padding.any():
        return 0.0, False
    if not isinstance(line.per_row_ns, Unavailable):
        return line.per_row_ns * float(padding.sum()), False
    most = math.fsum(spent.compute_ns[known] * (padding / rows))
    if not isinstance(line.row_most_ns, Unavailable):
        most = min(most, line.row_most_ns * float(padding.sum()))
    return most, most > 0


def _bytes(size: Int64s, sized: Int64s, unsized: Int64s, requests: int) -> float | Unavailable:
    if not sized.any() and unsized.any():
        return Unavailable(f"none of {int(unsized.sum())} copies has a recorded size")
    return float(size.sum() / requests)


def _speed(size: Int64s, copying_ns: Int64s) -> float | Unavailable:
    """10^9 bytes a second: bytes a nanosecond."""
    if not copying_ns.any():
        return Unavailable("no copy has a recorded size")
    return float(size.sum() / copying_ns.sum())
