"""Batching parameters to try, as in a batching_parameters_file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from diag.errors import UsageError
from diag.simulation.options import QueueOptions, timeout_ns

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from diag.simulation.options import ServerSettings

# Field -> least value. Source: session_bundle_config.proto (BatchingParameters), tensorflow/serving
# 9d981c5c.
LEAST = {
    "max_batch_size": 1,
    "batch_timeout_micros": 0,
    "max_enqueued_batches": 1,
    "num_batch_threads": 1,
    "max_execution_batch_size": 1,
}
SIZES = "allowed_batch_sizes"
# The flag --grpc_max_threads: each open request holds a thread (model_servers/server.cc, the same).
HANDLERS = "grpc_max_threads"
Changes = dict[str, int | tuple[int, ...]]


def read_changes(given: Mapping[str, str | int | Sequence[int]]) -> Changes:
    """Values by name, from numbers or text; ``allowed_batch_sizes`` as text is ``8/16/32``.

    Raises:
        UsageError: A name is not known, or a value is not possible.
    """
    found: Changes = {}
    for name, value in given.items():
        if name == SIZES:
            text = value if isinstance(value, (str, int)) else "/".join(map(str, value))
            parts = [part for part in str(text).split("/") if part]
            found[name] = tuple(_number(name, part, 1) for part in parts)
        elif name in LEAST or name == HANDLERS:
            found[name] = _number(name, str(value), LEAST.get(name, 1))
        else:
            raise UsageError(
                f"{name!r} is no parameter that can be tried",
                hint=f"the parameters: {', '.join([*LEAST, SIZES, HANDLERS])}",
            )
    return found


def _number(name: str, text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least or value > 1 << 40:
        raise UsageError(f"{name} cannot be {text!r}", hint=f"a whole number from {least} on")
    return value


def with_changes(
    settings: ServerSettings, changes: Changes, queues: Container[int] | None = None
) -> ServerSettings:
    """The settings with these values in every queue and pool, or in some queues and every pool.

    Where ``max_batch_size`` changes and ``allowed_batch_sizes`` does not, the allowed sizes follow:
    the server demands that the last one equals it (WrapSessionForBatching). ``max_batch_size`` is
    never below ``max_execution_batch_size``.

    Raises:
        UsageError: The server would not start with them.
    """
    threads = settings.threads
    if "num_batch_threads" in changes:
        threads = tuple(_whole(changes["num_batch_threads"]) for _ in threads)
    changed = tuple(
        _changed(options, changes)
        if options is not None and (queues is None or index in queues)
        else options
        for index, options in enumerate(settings.queues)
    )
    handlers = _whole(changes.get(HANDLERS, settings.handlers))
    return replace(settings, queues=changed, threads=threads, handlers=handlers)


def _changed(options: QueueOptions, changes: Changes) -> QueueOptions:
    values: dict[str, Any] = {
        name: value
        for name, value in changes.items()
        if name in ("max_batch_size", "max_enqueued_batches", SIZES)
    }
    if "batch_timeout_micros" in changes:
        values["batch_timeout_ns"] = timeout_ns(_whole(changes["batch_timeout_micros"]))
    if options.enable_large_batch_splitting and "max_execution_batch_size" in changes:
        values["max_execution_batch_size"] = changes["max_execution_batch_size"]
    changed = replace(options, **values)
    if changed.full_rows > changed.max_batch_size:
        changed = replace(changed, max_batch_size=changed.full_rows)
    last, sizes = changed.full_rows, changed.allowed_batch_sizes
    if sizes and SIZES not in changes and last != options.full_rows:
        kept = tuple(size for size in sizes if size < last)
        changed = replace(changed, allowed_batch_sizes=(*kept, last))
    elif SIZES in changes and sizes and (sizes[-1] != last or sorted(set(sizes)) != list(sizes)):
        raise UsageError(
            f"the server would not start: allowed_batch_sizes must rise and end with {last}",
            hint="set max_batch_size and allowed_batch_sizes together",
        )
    return changed


def _whole(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[-1]
