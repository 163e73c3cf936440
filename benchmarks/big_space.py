"""A big XSpace of the kind host tracer level 3 records, made fast and always the same.

Two batch threads serve batches of eight requests from 32 handler threads; each batch runs as bursts
of short closures on two inter-op threads, with ops, executor events and thread pool marks. All
batches have the same bytes except for times and ids, so a batch is laid out once as a template and
numpy fills in, for all batches at once, the varints that differ. Times and ids are chosen from
ranges in which a varint has a constant width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from diag.testing import wire_format as wire

if TYPE_CHECKING:
    from numpy.typing import NDArray

PS_PER_US = 1_000_000
ORIGIN_UNIX_NS = 1_790_000_000_000_000_000
FIRST_BATCH_PS = 40_000 * PS_PER_US  # above 2^35, so that all offsets take six bytes ...
LAST_BATCH_PS = 4_390_000 * PS_PER_US  # ... and below 2^42
PERIOD_PS = 2_300 * PS_PER_US  # of one batch thread
BATCH_THREADS = 2
REQUESTS_PER_BATCH = 8
CLOSURES = 30  # an inter-op thread's, a batch
CLOSURE_PS = 60 * PS_PER_US
QUEUE_KEY = 0x91827364 << 32  # with the top bit set: ids take ten bytes and come as uint64
FIRST_STEP_ID = 1 << 14  # three bytes up to 2^21
FIRST_LINK_ID = 1 << 28  # five bytes up to 2^35
LINKS_PER_BATCH = 1 << 12


@dataclass
class Names:
    """Metadata ids of one map, given out from 1."""

    ids: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        return self.ids.setdefault(name, len(self.ids) + 1)


@dataclass(frozen=True)
class Varying:
    """A varint of constant width whose value differs from batch to batch."""

    column: str
    addend: int
    width: int


@dataclass
class Template:
    """The events of one line in one batch, and where in their bytes the varying numbers stand."""

    events: Names
    stats: Names
    content: bytearray = field(default_factory=bytearray)
    holes: list[tuple[int, Varying]] = field(default_factory=list)
    count: int = 0

    def event(
        self, name: str, start_ps: int, duration_ps: int, **stats: float | str | Varying
    ) -> None:
        """Add an event that starts so long after its batch."""
        parts: list[bytes | Varying] = [
            wire.number_field(1, self.events[name]) + b"\x10",
            Varying("start_ps", start_ps, 6),
            wire.number_field(3, duration_ps),
        ]
        for stat, value in stats.items():
            parts += self._stat(stat, value)
        size = sum(part.width if isinstance(part, Varying) else len(part) for part in parts)
        self.content += wire.varint(4 << 3 | 2) + wire.varint(size)
        for part in parts:
            if isinstance(part, Varying):
                self.holes.append((len(self.content), part))
                self.content += bytes(part.width)
            else:
                self.content += part
        self.count += 1

    def _stat(self, stat: str, value: float | str | Varying) -> list[bytes | Varying]:
        head = wire.number_field(1, self.stats[stat])
        if isinstance(value, Varying):
            head += b"\x18" if value.width == 10 else b"\x20"
            return [b"\x22" + wire.varint(len(head) + value.width) + head, value]
        if isinstance(value, str):
            body = head + wire.present_number_field(7, self.stats[value])
        elif isinstance(value, int):
            body = head + wire.present_number_field(4, value)
        else:
            body = head + wire.double_field(2, value)
        return [wire.bytes_field(4, body)]

    def fill(self, columns: dict[str, NDArray[np.uint64]]) -> bytes:
        """The bytes of all batches, in the order of the columns."""
        out = np.tile(np.frombuffer(bytes(self.content), np.uint8), (len(columns["start_ps"]), 1))
        for at, hole in self.holes:
            values = columns[hole.column] + np.uint64(hole.addend % 2**64)
            for byte in range(hole.width):
                more = np.uint64(0x80 if byte < hole.width - 1 else 0)
                out[:, at + byte] = values >> np.uint64(7 * byte) & np.uint64(0x7F) | more
        return out.tobytes()


BATCH_ID = Varying("batch_id", 0, 10)
STEP_ID = Varying("step_id", 0, 3)


def link(number: int) -> Varying:
    """One of the batch's own link ids."""
    return Varying("link_id", number, 5)


def batch_template(events: Names, stats: Names) -> Template:
    """What a batch thread records for a batch."""
    line = Template(events, stats)
    end = (CLOSURES + 1) * CLOSURE_PS
    line.event(
        "ProcessBatch",
        0,
        end + 60 * PS_PER_US,
        batch_size_before_padding=8,
        _r=2,
        _ct=4,
        _c=BATCH_ID,
    )
    line.event(
        "MergeInputTensors",
        5 * PS_PER_US,
        15 * PS_PER_US,
        batch_size_after_padding=8,
        padding_amount=0,
    )
    line.event(
        "SessionRun", 25 * PS_PER_US, end, id=STEP_ID, _r=1, _pt=2, _p=link(0), model_id="resnet:1"
    )
    return line


def request_template(events: Names, stats: Names, number: int) -> Template:
    """What a handler thread records for a request of the batch."""
    line = Template(events, stats)
    start = -(1_500 - 100 * number) * PS_PER_US
    line.event("BatchingSessionRun", start, CLOSURES * CLOSURE_PS + 130 * PS_PER_US - start, _r=1)
    line.event(
        "ScheduleWithoutSplit", start + PS_PER_US, 12 * PS_PER_US, batching_input_task_size=1
    )
    line.event(
        "ScheduleOutputTask", start + 3 * PS_PER_US, 4 * PS_PER_US, size=1, _pt=4, _p=BATCH_ID
    )
    return line


def compute_template(events: Names, stats: Names, line_number: int) -> Template:
    """What an inter-op thread records for a batch."""
    line = Template(events, stats)
    for closure in range(CLOSURES):
        start = 30 * PS_PER_US + closure * CLOSURE_PS
        mark = link(1 + line_number * CLOSURES + closure)
        line.event("ThreadpoolListener::StartRegion", start, 0, _ct=15, _c=mark)
        line.event(
            "ExecutorState::Process",
            start + PS_PER_US,
            55 * PS_PER_US,
            id=STEP_ID,
            iter_num=0,
            _ct=2,
            _c=link(0),
        )
        for op in range(3):
            at = start + (3 + 15 * op) * PS_PER_US
            name = f"block_{closure}/conv_{op}:Conv2D" if op else f"block_{closure}/relu:Relu"
            line.event(name, at, 11 * PS_PER_US, shape=f"(8,56,56,{64 << op})")
            if op == 0 and closure % 3 == 0:
                memory_events(line, at + PS_PER_US)
            line.event("ExecutorPropagateOutputs", at + 12 * PS_PER_US, 2 * PS_PER_US, id=STEP_ID)
        line.event("ExecutorState::ScheduleReady", start + 50 * PS_PER_US, 3 * PS_PER_US)
        after = link(1 + line_number * CLOSURES + closure + 1)
        line.event("ThreadpoolListener::Record", start + 54 * PS_PER_US, 0, _pt=15, _p=after)
        line.event("ThreadpoolListener::StopRegion", start + 57 * PS_PER_US, 0)
    return line


def memory_events(line: Template, start: int) -> None:
    """What the allocator records of one temporary tensor."""
    state: dict[str, float | str | Varying] = {
        "allocator_name": "mklcpu",
        "bytes_reserved": 0,
        "bytes_allocated": 589_824,
        "bytes_available": 25_275_912_192,
        "fragmentation": 0.264368,
        "peak_bytes_in_use": 3_866_624,
        "requested_bytes": 294_912,
        "allocation_bytes": 294_912,
        "addr": 140_099_284_557_632,
    }
    tensor = {"tf_op": "block/conv:Conv2D", "region_type": "temp", "shape": "[8,56,56,64]"}
    line.event("MemoryAllocation", start, 0, **state, **tensor, id=STEP_ID, data_type=1)
    line.event("MemoryDeallocation", start + 8 * PS_PER_US, 0, **state, id=0, data_type=0)


def batch_columns(batches: int) -> dict[str, NDArray[np.uint64]]:
    """What differs between batches, one row each, ordered by start."""
    number = np.arange(batches, dtype=np.uint64)
    start_ps = FIRST_BATCH_PS + number * np.uint64(PERIOD_PS // BATCH_THREADS)
    start_ps += np.random.default_rng(7).integers(0, 100 * PS_PER_US, batches, np.uint64)
    if int(start_ps.max()) > LAST_BATCH_PS:
        raise ValueError(f"{batches} batches do not fit the window")
    return {
        "start_ps": start_ps,
        "batch_id": np.uint64(QUEUE_KEY + 1) + number,
        "step_id": np.uint64(FIRST_STEP_ID) + number,
        "link_id": np.uint64(FIRST_LINK_ID) + number * np.uint64(LINKS_PER_BATCH),
    }


def big_space(events: int = 2_500_000) -> tuple[bytes, int]:
    """A serialised XSpace with about so many events, and how many they are exactly."""
    names, stats = Names(), Names()
    batch = batch_template(names, stats)
    requests = [request_template(names, stats, i) for i in range(REQUESTS_PER_BATCH)]
    computes = [compute_template(names, stats, i) for i in range(2)]
    per_batch = sum(template.count for template in (batch, *requests, *computes))
    batches = events // per_batch
    columns = batch_columns(batches)
    lines: list[tuple[str, bytes]] = []
    for thread in range(BATCH_THREADS):
        of_thread = {name: column[thread::BATCH_THREADS] for name, column in columns.items()}
        lines.append((f"batch_threads_/{thread}", batch.fill(of_thread)))
        lines += [(f"tf_Compute/{thread}", compute.fill(of_thread)) for compute in computes]
        for parity in range(2):
            every_other = {name: column[parity::2] for name, column in of_thread.items()}
            lines += [("grpcpp_sync_ser", request.fill(every_other)) for request in requests]
    return space_of([("/host:CPU", lines, names, stats)]), batches * per_batch


def space_of(planes: list[tuple[str, list[tuple[str, bytes]], Names, Names]]) -> bytes:
    """An XSpace of planes: each a name, lines of events, and the ids of event and stat names."""
    environment = (
        wire.text_field(2, "Task Environment")
        + _metadata(5, "profile_start_time", 1)
        + wire.bytes_field(6, wire.number_field(1, 1) + wire.number_field(3, ORIGIN_UNIX_NS))
    )
    return (
        b"".join(wire.bytes_field(1, _plane(*plane)) for plane in planes)
        + wire.bytes_field(1, environment)
        + wire.text_field(4, "benchmark")
    )


def _plane(title: str, lines: list[tuple[str, bytes]], names: Names, stats: Names) -> bytes:
    plane = [wire.text_field(2, title)]
    for number, (name, events) in enumerate(lines, 1):
        head = (
            wire.number_field(1, number) + wire.text_field(2, name) + wire.number_field(3, 50_000)
        )
        plane.append(wire.bytes_field(3, head + events))
    plane += [_metadata(4, name, number) for name, number in names.ids.items()]
    plane += [_metadata(5, name, number) for name, number in stats.ids.items()]
    return b"".join(plane)


def _metadata(number: int, name: str, key: int) -> bytes:
    value = wire.number_field(1, key) + wire.text_field(2, name)
    return wire.bytes_field(number, wire.number_field(1, key) + wire.bytes_field(2, value))
