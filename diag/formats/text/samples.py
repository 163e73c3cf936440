"""``diag/host.jsonl``, ``gpu``, ``dcgm`` and ``probe``: a header line, then one line per sample.

The files may come from anywhere, so every value is checked to be one that the analysis can compute
with.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from diag.errors import BundleCorruptError
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SamplerCost, SampleSeries

if TYPE_CHECKING:
    from collections.abc import Iterable

SAMPLES_MAX = 1_000_000
# More than a machine has cores, GPUs, slices or processes on a GPU.
LIST_MAX = 4096
DEVICES_MAX = 1024
NAME_MAX_CHARACTERS = 1024
_TIME = "unix_ns"
_TIME_LIMIT = 1 << 63
_NUMBER_LIMIT = 1 << 64


class _Header(msgspec.Struct, frozen=True):
    source: Literal["host", "gpu", "dcgm", "probe"]
    period_ns: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    units: dict[str, str]
    missing: dict[str, str] = {}
    devices: tuple[SampledDevice, ...] = ()
    taken_by: str = "diag"
    cost: SamplerCost | None = None


_Kind = TypeVar("_Kind")
_HEADER = msgspec.json.Decoder(_Header)
_SAMPLE = msgspec.json.Decoder(dict[str, Any])
_COST = attrgetter("readings", "cpu_ns", "elapsed_ns")


def encode_samples(series: SampleSeries) -> bytes:
    """The series as JSON lines, in order of time.

    Raises:
        ValueError: The series is not valid; ``series_problem`` gives the message.
    """
    problem = series_problem(series)
    if problem:
        raise ValueError(problem)
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
    lines = [msgspec.json.encode(line) for line in (header, *_in_order(series.samples))]
    return b"\n".join(lines) + b"\n"


def writable(series: SampleSeries) -> SampleSeries | Unavailable:
    """The series, or the reason why it cannot be written, so that other sources still are."""
    try:
        encode_samples(series)
    except (ValueError, TypeError) as exc:
        return Unavailable(f"what was sampled cannot be written: {exc}")
    return series


def decode_samples(data: bytes, where: str) -> SampleSeries:
    """Decode a series. Samples are sorted by time, because a wall clock may have been set back.

    Args:
        data: The part's bytes.
        where: Bundle and part, for messages.

    Raises:
        BundleCorruptError: A line is not as docs/bundle-format.md requires; the message has its
            number.
    """
    lines = data.splitlines()
    if not 1 <= len(lines) <= SAMPLES_MAX:
        raise BundleCorruptError(f"{where}: {len(lines):,} lines, 1 to {SAMPLES_MAX:,} can be read")
    header = _line(_HEADER, lines[0], 1, where)
    problem = _header_problem(header.devices, header.cost)
    if problem:
        raise BundleCorruptError(f"{where}, line 1: {problem}")
    samples = []
    for number, line in enumerate(lines[1:], start=2):
        sample = _line(_SAMPLE, line, number, where)
        problem = _problem(sample, header.units, len(header.devices))
        if problem:
            raise BundleCorruptError(f"{where}, line {number}: {problem}")
        samples.append(sample)
    return SampleSeries(
        source=header.source,
        period_ns=header.period_ns,
        units=header.units,
        samples=_in_order(samples),
        missing=header.missing,
        devices=header.devices,
        taken_by=header.taken_by,
        cost=Unavailable("not measured") if header.cost is None else header.cost,
    )


def series_problem(series: SampleSeries) -> str:
    """Why the series is not valid, or "". Used for samples that another machine sent."""
    cost = series.cost if isinstance(series.cost, SamplerCost) else None
    problem = _header_problem(series.devices, cost)
    if problem:
        return problem
    for index, sample in enumerate(series.samples):
        problem = _problem(sample, series.units, len(series.devices))
        if problem:
            return f"sample {index} {problem}"
    return ""


def _in_order(samples: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    return tuple(sorted(samples, key=itemgetter(_TIME)))


def _line(decoder: msgspec.json.Decoder[_Kind], line: bytes, number: int, where: str) -> _Kind:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BundleCorruptError(f"{where}, line {number}: not readable", cause=str(exc)) from exc


def _header_problem(devices: tuple[SampledDevice, ...], cost: SamplerCost | None) -> str:
    """What is wrong with the devices or the cost, or ""."""
    if len(devices) > DEVICES_MAX:
        return f"names {len(devices):,} devices, {DEVICES_MAX:,} can be read"
    for device in devices:
        if not 0 < len(device.name) <= NAME_MAX_CHARACTERS:
            return "has a device without a name, or with a name that is too long"
        if len(device.uuid) > NAME_MAX_CHARACTERS:
            return "has a device with a uuid that is too long"
    if cost and not all(0 <= each < _TIME_LIMIT for each in _COST(cost)):
        return "has a cost with a number out of range"
    return ""


def _problem(sample: dict[str, Any], units: dict[str, str], devices: int) -> str:
    """What is wrong with a sample, or ""."""
    time = sample.get(_TIME)
    if not isinstance(time, int) or isinstance(time, bool) or not 0 <= time < _TIME_LIMIT:
        return f"has no {_TIME}, or one that is not a time"
    for name, value in sample.items():
        if name == _TIME:
            continue
        if name not in units:
            return f"has a field without a unit: {name}"
        if value is None:
            return f"has no value in {name}"
        if isinstance(value, list):
            problem = _list_problem(value, devices)
            if problem:
                return f"has {problem} in {name}"
        elif not _is_plain(value):
            return f"has no value in {name}"
    return ""


def _list_problem(values: list[Any], devices: int) -> str:
    """What is wrong with a list of values per core or device, or ""."""
    if devices and len(values) != devices:
        return f"{len(values)} values for {devices} devices"
    if len(values) > LIST_MAX:
        return f"{len(values):,} values"
    for value in values:
        if isinstance(value, list):
            if len(value) > LIST_MAX or not all(_is_record(each) for each in value):
                return "a list that holds no records"
        elif value is not None and not _is_plain(value):
            return "no value"
    return ""


def _is_record(value: Any) -> bool:
    """Whether this is a record of a process on a device: plain values by name, or None."""
    return isinstance(value, dict) and all(
        each is None or _is_plain(each) for each in value.values()
    )


def _is_plain(value: Any) -> bool:
    """Whether this is a text, a flag, or a number small enough for sums over all samples."""
    if isinstance(value, int | float):
        return -_NUMBER_LIMIT < value < _NUMBER_LIMIT
    return isinstance(value, str)
