"""``diag/host.jsonl``, ``gpu.jsonl`` and ``dcgm.jsonl``: a header line, then one line a sample."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from diag.errors import BundleCorruptError
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SamplerCost, SampleSeries

SAMPLES_MAX = 1_000_000
_TIME = "unix_ns"


class _Header(msgspec.Struct, frozen=True):
    source: Literal["host", "gpu", "dcgm"]
    period_ns: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    units: dict[str, str]
    missing: dict[str, str] = {}
    devices: tuple[SampledDevice, ...] = ()
    taken_by: str = "diag"
    cost: SamplerCost | None = None


_Kind = TypeVar("_Kind")
_HEADER = msgspec.json.Decoder(_Header)
_SAMPLE = msgspec.json.Decoder(dict[str, Any])


def encode_samples(series: SampleSeries) -> bytes:
    """The series as JSON lines.

    Raises:
        ValueError: A sample has no ``unix_ns``, a field without a unit, or a value that is
            None or not finite: what could not be read is left out and named in ``missing``.
    """
    for index, sample in enumerate(series.samples):
        problem = _problem(sample, series.units)
        if problem:
            raise ValueError(f"sample {index} {problem}")
    header = {
        "source": series.source,
        "period_ns": series.period_ns,
        "units": series.units,
        "missing": series.missing,
        "devices": series.devices,
        "taken_by": series.taken_by,
    }
    if isinstance(series.cost, SamplerCost):
        header["cost"] = series.cost
    lines = [msgspec.json.encode(line) for line in (header, *series.samples)]
    return b"\n".join(lines) + b"\n"


def decode_samples(data: bytes, where: str) -> SampleSeries:
    """The series in JSON lines.

    Args:
        data: The part's bytes.
        where: Bundle and part, for messages.

    Raises:
        BundleCorruptError: A line is not what docs/bundle-format.md says; names line and path.
    """
    lines = data.splitlines()
    if not 1 <= len(lines) <= SAMPLES_MAX:
        raise BundleCorruptError(f"{where}: {len(lines):,} lines, 1 to {SAMPLES_MAX:,} can be read")
    header = _line(_HEADER, lines[0], 1, where)
    samples = []
    for number, line in enumerate(lines[1:], start=2):
        sample = _line(_SAMPLE, line, number, where)
        problem = _problem(sample, header.units)
        if problem:
            raise BundleCorruptError(f"{where}, line {number}: {problem}")
        samples.append(sample)
    return SampleSeries(
        source=header.source,
        period_ns=header.period_ns,
        units=header.units,
        samples=tuple(samples),
        missing=header.missing,
        devices=header.devices,
        taken_by=header.taken_by,
        cost=Unavailable("not measured") if header.cost is None else header.cost,
    )


def _line(decoder: msgspec.json.Decoder[_Kind], line: bytes, number: int, where: str) -> _Kind:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BundleCorruptError(f"{where}, line {number}: not readable", cause=str(exc)) from exc


def _problem(sample: dict[str, Any], units: dict[str, str]) -> str:
    """What is wrong with a sample, or ""."""
    time = sample.get(_TIME)
    if not isinstance(time, int) or isinstance(time, bool) or not 0 <= time < 1 << 63:
        return f"has no {_TIME}, or one that is no time"
    for name, value in sample.items():
        if name != _TIME and name not in units:
            return f"has a field without a unit: {name}"
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return f"has no value in {name}"
    return ""
