"""The order of the checks, and what follows from all of them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.capture.examination.machine import check_clock, check_gpus, check_tensorboard
from diag.capture.examination.result import Examination, Examined, Status
from diag.capture.examination.server import (
    check_metrics,
    check_models,
    check_profiler,
    failed,
    route,
)
from diag.capture.plan import SECOND, CapturePlan
from diag.capture.server.connection import Connection, ConnectionOptions
from diag.capture.server.local_server import find_local_server
from diag.capture.server.target import find_server
from diag.capture.side_sources import SideSources
from diag.errors import ServerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from diag.capture.plan_options import PlanOptions

# All checks together end within about five seconds, also when nothing answers.
CALL_TIMEOUT_NS = SECOND


def examine(server: str | CapturePlan, **options: Unpack[PlanOptions]) -> Examination:
    """Check what a capture of a server would find; nothing is recorded.

    Args:
        server: gRPC address, or a CapturePlan with certificates, headers and URLs.
        options: Fields of CapturePlan; only together with an address.

    Raises:
        UsageError: A value is invalid, or a file that the plan names cannot be used.
    """
    plan = CapturePlan(server=server, **options) if isinstance(server, str) else server
    plan = replace(plan, timeout_ns=min(plan.timeout_ns, CALL_TIMEOUT_NS), probe=False)
    started = time.monotonic_ns()
    checks = tuple(_checks(plan))
    return Examination(plan.server, checks, time.monotonic_ns() - started)


def _checks(plan: CapturePlan) -> Iterator[Examined]:
    try:
        target = find_server(plan.server, plan.timeout_ns / SECOND)
    except ServerUnreachableError as exc:
        yield failed("address", exc)
        yield check_tensorboard()
        return
    local = find_local_server(target)
    yield Examined("address", Status.OK, route(target, local))
    with Connection(target, ConnectionOptions.of(plan)) as connection:
        profiler = check_profiler(connection, plan)
        yield profiler
        if profiler.status is Status.FAILURE and not connection.reached:
            yield check_tensorboard()
            return
        answered_ns = time.monotonic_ns()
        with SideSources(connection, plan) as sources:
            round_trip_ns = time.monotonic_ns() - answered_ns
            yield from check_models(sources, plan)
            yield from check_metrics(sources, plan)
            yield from check_gpus(sources, local)
            yield check_clock(local, round_trip_ns)
            yield check_tensorboard()
            yield _capture(profiler, sources, plan.server)


def _capture(profiler: Examined, sources: SideSources, server: str) -> Examined:
    """What a capture now would hold, and what it would cost."""
    name = "a capture now"
    if profiler.status is Status.FAILURE:
        return Examined(name, Status.FAILURE, "would fail", profiler.next_step)
    missing = sorted(sources.missing())
    held = sorted({"gpu", "host", "metrics", "server"} - set(missing))
    lacks = f", without {', '.join(missing)}" if missing else ""
    return Examined(
        name,
        Status.OK,
        f"would hold the trace, {', '.join(held) or 'nothing else'}{lacks}. It slows requests "
        "while it records (docs/overhead.md). Whether somebody else records right now shows only "
        "when a recording begins",
        f"diag capture {server}",
    )
