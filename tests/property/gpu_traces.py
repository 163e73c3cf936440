"""Traces with GPU planes for properties: plausible servers that give GPUs work, and rubbish."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from diag.formats.trace import event_names as ev
from tests.property.serving_traces import Trace, rubbish, servers

if TYPE_CHECKING:
    from tests.property.serving_traces import Event

Lines = dict[str, list["Event"]]

KERNEL = {"kernel_details": '"regs:32 grid:1,1,1 block:64,1,1"'}
WORKS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("gemm", "Stream #1(Compute)", KERNEL),
    ("relu", "Stream #1(Compute)", KERNEL),
    ("softmax", "Stream #2(Compute)", KERNEL),
    (
        "MemcpyH2D",
        "Stream #3(MemcpyH2D)",
        {"memcpy_details": '"kind_src:host kind_dst:device size:64"'},
    ),
    (
        "MemcpyD2H",
        "Stream #4(MemcpyD2H)",
        {"memcpy_details": '"kind_src:device kind_dst:host size:8"'},
    ),
    ("Memset", "Stream #2(Compute)", {"Memset_details": '"kind:device num_bytes:4"'}),
)
DERIVED = (
    "TensorFlow Ops",
    "TensorFlow Name Scope",
    "Steps",
    "XLA Modules",
    "XLA Ops",
    "Source code",
)


@dataclass
class GpuTrace:
    """A host's lines, and those of each GPU, in us."""

    host: Lines
    devices: list[Lines] = field(default_factory=list)

    def text(self, seed: int | None = None) -> str:
        """As XSpace text; planes, lines and events in another order for each seed."""
        chance = random.Random(seed)
        planes = [("/host:CPU", self.host)]
        planes += [(f"/device:GPU:{i}", lines) for i, lines in enumerate(self.devices)]
        blocks = [
            f"plane {name}\n" + "\n".join(_mixed(_lines(lines, chance, seed), chance, seed))
            for name, lines in planes
        ]
        return "\n".join(_mixed(blocks, chance, seed))

    def works(self, device: int) -> list[Event]:
        """What the streams of a GPU did."""
        return [
            event
            for line, events in self.devices[device].items()
            if line.startswith("Stream #")
            for event in events
        ]

    def with_derived_lines(self) -> GpuTrace:
        """The same with lines that are derived from the streams."""
        devices = []
        for index, lines in enumerate(self.devices):
            works = self.works(index)
            low, high = min(w[1] for w in works), max(w[2] for w in works)
            spans = [("step", low, high, {}), *((w[0], w[1], w[2], w[3]) for w in works)]
            devices.append({**lines, **dict.fromkeys(DERIVED, spans)})
        return replace(self, devices=devices)

    def with_split_kernels(self) -> GpuTrace:
        """The same with every work in two that touch."""
        devices = [
            {
                line: [half for event in events for half in _halves(event)]
                for line, events in lines.items()
            }
            for lines in self.devices
        ]
        return replace(self, devices=devices)


def _halves(event: Event) -> tuple[Event, Event]:
    name, start, end, stats = event
    middle = (start + end) // 2
    return (name, start, middle, stats), (name, middle, end, stats)


def _mixed(items: list[str], chance: random.Random, seed: int | None) -> list[str]:
    return items if seed is None else chance.sample(items, len(items))


def _lines(lines: Lines, chance: random.Random, seed: int | None) -> list[str]:
    out = []
    for number, (line, events) in enumerate(lines.items(), 1):
        written = [
            f"  {name} {start}..{end}us " + " ".join(f"{k}={v}" for k, v in stats.items())
            for name, start, end, stats in events
        ]
        out.append("\n".join([f"line {line} id={number} at=0ns", *_mixed(written, chance, seed)]))
    return out


@st.composite
def gpu_traces(draw: st.DrawFn, *, may_be_odd: bool = True) -> GpuTrace:
    """Servers whose bursts launch on one or two GPUs; some launches or works may be odd.

    Odd are ids that repeat, works that seem to begin before their launch, and works that no
    recorded launch led to.
    """
    serving = draw(servers())
    return _with_devices(draw, serving, odd=may_be_odd and draw(st.booleans()))


@st.composite
def gpu_rubbish(draw: st.DrawFn) -> GpuTrace:
    """Events of serving names at any time with any ids, and GPU work likewise."""
    return _with_devices(draw, draw(rubbish()), odd=True)


def _with_devices(draw: st.DrawFn, serving: Trace, *, odd: bool) -> GpuTrace:
    devices: list[Lines] = [{} for _ in range(draw(st.integers(1, 2)))]
    bursts = [
        (line, event)
        for line, events in serving.host.items()
        for event in events
        if event[0] == ev.EXECUTOR_PROCESS
    ]
    correlation = 100
    for line, (_, start, end, _) in bursts:
        at = start
        for _ in range(draw(st.integers(0, 3))):
            if at + 3 > end:
                break
            correlation += 0 if odd and draw(st.booleans()) else 1
            name, stream, stats = draw(st.sampled_from(WORKS))
            launch: dict[str, int | str] = {"correlation_id": correlation}
            if not odd or draw(st.integers(0, 3)):
                # Never over the very span of an op, within which it then might be or not.
                serving.add(line, (name, at + 1.25, at + 1.75, launch))
            early = draw(st.integers(-10, 0)) if odd else 0
            begin = max(0, at + 2 + early + draw(st.integers(0, 30)))
            work = (name, begin, begin + draw(st.integers(1, 60)), {**launch, **stats})
            draw(st.sampled_from(devices)).setdefault(stream, []).append(work)
            at += 3
    for lines in devices:
        if not lines or draw(st.integers(0, 3)) == 0:
            name, stream, stats = draw(st.sampled_from(WORKS))
            begin = draw(st.integers(0, 300))
            nobody: dict[str, int | str] = {"correlation_id": 99, **stats}
            lines.setdefault(stream, []).append((name, begin, begin + 20, nobody))
    return GpuTrace(serving.host, devices)
