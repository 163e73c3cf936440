"""The series as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from diag.model.availability import Unavailable
from diag.model.printable import printable, readable
from diag.model.quantity import duration, number, percent
from diag.monitoring.series import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.monitoring.load import ModelLoad, ServerLoad

_WIDTH = 24


def render_load(load: ServerLoad, format_: str = "text") -> str:
    """``text`` or ``json``."""
    if format_ == "json":
        return json.dumps({"version": 1, **_plain(load)}, indent=2, ensure_ascii=False) + "\n"
    lines = []
    for model in load.models:
        lines += [printable(model.model) or "(no model name)", *_model_lines(model), ""]
    if not load.models:
        lines += ["The page counts no requests of any model.", ""]
    batching = _batching_lines(load)
    if batching:
        lines += ["Batches of all models (--enable_batching)", *batching, ""]
    lines += [f"- {printable(trap)}" for trap in load.traps]
    return "\n".join(lines).rstrip() + "\n"


def _model_lines(model: ModelLoad) -> Iterator[str]:
    yield _line("requests", _number(model.requests_per_s, "/s"))
    if isinstance(model.by_status, dict) and model.by_status:
        statuses = ", ".join(f"{printable(s)} {number(n)}" for s, n in model.by_status.items())
        yield _line("answers", statuses)
    yield _line("refused", _share(model.refused_ratio))
    yield _line("latency, mean", _micros(model.request_mean))
    yield _line("latency, p50", _bounds(model.request_p50))
    yield _line("latency, p99", _bounds(model.request_p99))
    yield _line("in the runtime, mean", _micros(model.runtime_mean))
    yield _line("outside of it, mean", _micros(model.outside_mean))
    if model.by_api:
        shares = (f"{printable(api)} {share:.0%}" for api, share in model.by_api.items())
        yield _line("API", ", ".join(shares))
    if model.probes:
        yield _line("probes", number(model.probes))


def _batching_lines(load: ServerLoad) -> list[str]:
    """Only what the page has."""
    batching = load.batching
    lines = (
        ("in the queue, mean", batching.queue_mean, _micros),
        ("of the runtime's time", batching.queue_share, _share),
        ("batches", batching.batches_per_s, lambda value: _number(value, "/s")),
        ("requests a batch", batching.requests_per_batch, _number),
        ("rows a batch", batching.rows_mean, _number),
        ("padding", batching.padding_share, _share),
    )
    if all(isinstance(value, Unavailable) for _, value, _ in lines):
        return []
    return [_line(name, show(value)) for name, value, show in lines]


def _line(name: str, value: str) -> str:
    return f"  {name.ljust(_WIDTH)}{value}"


def _missing(value: Unavailable) -> str:
    return f"n/a: {printable(value.reason)}"


def _number(value: float | Unavailable, unit: str = "") -> str:
    return _missing(value) if isinstance(value, Unavailable) else f"{number(value)}{unit}"


def _share(value: float | Unavailable) -> str:
    return _missing(value) if isinstance(value, Unavailable) else percent(value)


def _micros(value: float | Unavailable) -> str:
    return _missing(value) if isinstance(value, Unavailable) else duration(value * 1000)


def _bounds(value: Bounds | Unavailable) -> str:
    if isinstance(value, Unavailable):
        return _missing(value)
    if value.high == float("inf"):
        return f"{duration(value.low * 1000)} or more"
    return f"{duration(value.low * 1000)} to {duration(value.high * 1000)}"


def _plain(value: Any) -> Any:
    """Data classes as objects; what is missing as an object with the reason."""
    if isinstance(value, Unavailable):
        return {"unavailable": readable(value.reason)}
    if isinstance(value, Bounds):
        return {"low": value.low, "high": None if value.high == float("inf") else value.high}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in asdict(value)}
    if isinstance(value, dict):
        return {readable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return readable(value) if isinstance(value, str) else value
