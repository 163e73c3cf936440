"""Batches cannot fill: fewer requests are open at a time than a batch could take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from diag.findings.batching import from_to, of_scope, parameter_remedy, restore, setting_of
from diag.findings.concurrency import find_open_limit, is_capped
from diag.findings.confidence import Basis
from diag.findings.metrics import not_above
from diag.findings.sources import BATCHES, KNOWN_SCHEDULER
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Gain,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Source,
)
from diag.model.gaps import IdleCause
from diag.model.serving import Parameter, Stage

if TYPE_CHECKING:
    from diag.findings.concurrency import OpenLimit
    from diag.findings.inputs import RuleInputs
    from diag.model.finding import Setting

ID = "batch-capped-by-concurrency"
CAUSES = (IdleCause.QUEUE_FILL,)
NEEDS = (BATCHES, KNOWN_SCHEDULER)
_FILL, _DISPATCH = Stage.QUEUE_FILL.index, Stage.QUEUE_DISPATCH.index


def find(inputs: RuleInputs) -> Finding | None:
    """Batches wait for their timeout, and no further request can come: a constant number is open.

    A gRPC handler thread is held by each open request, so that --grpc_max_threads bounds them as
    clients do (model_servers/server.cc, tensorflow/serving 9d981c5c).
    """
    limit = find_open_limit(inputs) if is_capped(inputs) else None
    wait = find_wait(inputs, (Stage.QUEUE_FILL,), CAUSES)
    if limit is None or wait is None or not wait.in_requests:
        return None
    size = limit.summary.queue.max_batch_size
    rows = size.value if isinstance(size, Parameter) else 0
    setting = _size(inputs, limit)
    where = Source("requests", limit.summary.model)
    return wait_finding(
        inputs,
        wait,
        WaitWords(
            of_requests=(
                f"waiting for batches of {rows} rows to fill, which cannot happen: at most "
                f"{limit.requests} requests with {limit.rows} rows are open at a time"
            ),
            of_idle="for batches to fill",
        ),
        Basis(on_device=False, on_parameters=True),
        rule=ID,
        cause=Stage.QUEUE_FILL.value,
        causes=CAUSES,
        evidence=(
            Evidence("max_batch_size", rows, "rows", Source("batches", limit.summary.model)),
            Evidence("requests open at a time, most", limit.requests, "requests", where),
            Evidence("rows open at a time, most", limit.rows, "rows", where),
            Evidence("time with that many requests open", limit.share, "ratio", where),
            Evidence("rows in a batch, median", limit.batch_rows, "rows", Source("batches")),
        ),
        counter_evidence=(
            CounterEvidence(
                "times with fewer requests open, as when they come independently of answers",
                limit.share < 0.5,
                f"{limit.requests} are open {limit.share:.0%} of the time",
            ),
        ),
        remedies=_remedies(inputs, setting),
        gain=_gain(inputs, limit, setting),
        verify=(*wait_halved(inputs, wait, CAUSES), *not_above(inputs.analysis, "latency.mean")),
        rollback=restore(setting),
    )


def _size(inputs: RuleInputs, limit: OpenLimit) -> Setting:
    """As many rows as half of the batches reach, so that these start when their last row comes."""
    setting = setting_of("max_batch_size", [limit.summary.queue.max_batch_size])
    scope = limit.summary.model if len(inputs.analysis.queues) > 1 else ""
    return replace(setting, to=max(1, limit.batch_rows), scope=scope)


def _remedies(inputs: RuleInputs, setting: Setting) -> tuple[Remedy, ...]:
    timeouts = (summary.queue.batch_timeout_ns for summary in inputs.analysis.queues)
    at_once = replace(setting_of("batch_timeout_micros", timeouts, divisor=1000), to=0)
    return (
        parameter_remedy(
            inputs.analysis,
            f"Lower max_batch_size{of_scope(setting)}{from_to(setting)}, and the last entry of "
            "allowed_batch_sizes with it: a batch then starts when the last request that can come "
            "is in it.",
            setting,
            "With more clients later, batches stay that small; requests with more rows are refused "
            "unless enable_large_batch_splitting is on.",
        ),
        parameter_remedy(
            inputs.analysis,
            f"Lower batch_timeout_micros{from_to(at_once)}: the whole timeout is spent for "
            "nothing.",
            at_once,
            "Batches get smaller if requests do not arrive at the same time.",
        ),
        Remedy(
            RemedyKind.CLIENT,
            RemedyPlace.CLIENT_CODE,
            "Or let clients keep more requests open at a time, if throughput is the aim: about "
            "twice max_batch_size. Raise --grpc_max_threads of the server with that, if it is the "
            "limit.",
            risk="Each request waits for more others.",
        ),
    )


def _gain(inputs: RuleInputs, limit: OpenLimit, setting: Setting) -> Gain | Unavailable:
    """A batch that reaches the new size starts when its last request is enqueued.

    What the last request of a batch waited for it to fill, all others of the batch waited, too. A
    full batch wakes a thread, which else polls (shared_batch_scheduler.h, TensorFlow 2.21).
    """
    if isinstance(setting.to, Unavailable):
        return setting.to
    requests, batches = inputs.analysis.requests, inputs.analysis.batches
    linked = np.flatnonzero(requests.complete & (np.diff(requests.batch_offsets) == 1))
    batch = requests.batch_index[requests.batch_offsets[linked]]
    fill = requests.stage_ns[linked, _FILL]
    after_last = np.full(len(batches), np.iinfo(np.int64).max, np.int64)
    np.minimum.at(after_last, batch, fill)
    mine = batches.of_queue(limit.summary.queue)
    saved = np.where(mine[batch], after_last[batch], 0)
    polled = np.where(mine[batch], requests.stage_ns[linked, _DISPATCH], 0)
    reached = batches.rows[batch] >= int(setting.to)
    mean, complete = inputs.shares.mean_ns, inputs.shares.requests
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - float((saved + polled).sum()) / complete,
        high=mean - float(saved[reached].sum()) / complete,
        method=(
            "Batches start when their last request is there: all of them and at once (low), or "
            "those that hold as many rows as the new size, after the poll of today (high). All "
            "else stays as it is."
        ),
    )
