"""``diag/stacks.json``: what the threads of a Python program ran, sampled during the recording.

The program under test writes this document, so every number, text and length is checked.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np

from diag.errors import BundleCorruptError
from diag.formats.trace.thread_line import line_ids
from diag.model.availability import Unavailable
from diag.model.samples import NOT_MEASURED, SamplerCost
from diag.model.stacks import Frame, StackSamples

DEPTH_MAX = 512
TEXT_MAX_CHARACTERS = 1024

_Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_Index = Annotated[int, msgspec.Meta(ge=0, le=(1 << 31) - 1)]
_Weight = Annotated[int, msgspec.Meta(ge=1, le=(1 << 31) - 1)]
_CpuTime = Annotated[int, msgspec.Meta(ge=-1, le=(1 << 63) - 1)]
_Period = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
_Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX_CHARACTERS)]
_Stack = Annotated[list[_Index], msgspec.Meta(min_length=1, max_length=DEPTH_MAX)]


class _Frame(msgspec.Struct):
    file: _Text
    function: _Text
    first_line: _Index
    is_user: bool


class _Cost(msgspec.Struct):
    readings: _Count
    cpu_ns: _Count
    elapsed_ns: _Count


class _Columns(msgspec.Struct):
    unix_ns: list[_Count]
    thread_id: list[_Count]
    weight: list[_Weight]
    cpu_ns: list[_CpuTime]
    stack_id: list[_Index]


class _Document(msgspec.Struct):
    period_ns: _Period
    frames: list[_Frame]
    stacks: list[_Stack]
    samples: _Columns
    cost: _Cost | None = None
    incomplete: _Text = ""


_DOCUMENT = msgspec.json.Decoder(_Document)


def decode_stacks(
    data: bytes, origin_unix_ns: int | Unavailable, where: str
) -> StackSamples | Unavailable:
    """Decode the samples and place them on the trace's time axis.

    Args:
        data: The part's bytes, at most ``STACKS_MAX_BYTES``.
        origin_unix_ns: Wall clock of the trace's time 0.
        where: Bundle and part, for messages.

    Returns:
        Unavailable if the trace does not say when it began.

    Raises:
        BundleCorruptError: The document is not as docs/bundle-format.md requires.
    """
    document = _checked(data, where)
    if isinstance(origin_unix_ns, Unavailable):
        return origin_unix_ns
    columns = document.samples
    unix_ns = np.array(columns.unix_ns, np.int64)
    order = np.argsort(unix_ns, kind="stable")
    thread_id = np.array(columns.thread_id, np.int64)[order]
    arrays = (
        unix_ns[order] - origin_unix_ns,
        thread_id,
        line_ids(thread_id),
        np.array(columns.weight, np.int32)[order],
        np.array(columns.cpu_ns, np.int64)[order],
        np.array(columns.stack_id, np.int32)[order],
    )
    for each in arrays:
        each.flags.writeable = False
    cost = document.cost
    return StackSamples(
        *arrays,
        stacks=tuple(map(tuple, document.stacks)),
        frames=tuple(
            Frame(each.file, each.function, each.first_line, each.is_user)
            for each in document.frames
        ),
        period_ns=document.period_ns,
        cost=NOT_MEASURED
        if cost is None
        else SamplerCost(cost.readings, cost.cpu_ns, cost.elapsed_ns),
        incomplete=document.incomplete,
    )


def _checked(data: bytes, where: str) -> _Document:
    try:
        document = _DOCUMENT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BundleCorruptError(f"{where}: not readable", cause=str(exc)) from exc
    problem = _problem(document)
    if problem:
        raise BundleCorruptError(f"{where}: {problem}")
    return document


def _problem(document: _Document) -> str:
    """What is wrong with a document whose fields are valid one by one, or ""."""
    columns = document.samples
    lengths = {len(getattr(columns, name)) for name in columns.__struct_fields__}
    if len(lengths) > 1:
        return "columns of samples that differ in length"
    if max(columns.stack_id, default=-1) >= len(document.stacks):
        return f"a sample of a stack beyond the {len(document.stacks):,} listed"
    if max(map(max, document.stacks), default=-1) >= len(document.frames):
        return f"a stack with a frame beyond the {len(document.frames):,} listed"
    return ""
