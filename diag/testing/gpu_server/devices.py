"""Apply the profiler's effects to the events of simulated GPUs: clock offset, derived lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from diag.formats.trace import event_names as ev
from diag.testing.gpu_server.recording import Event

if TYPE_CHECKING:
    from diag.testing.gpu_server.plan import Plan
    from diag.testing.gpu_server.recording import EventLog
    from diag.testing.gpu_server.truth import Truth

# Lines that the profiler derives from the streams: xplane_schema.cc, TensorFlow 2.21.
DERIVED_LINES: Final = ("TensorFlow Ops", "TensorFlow Name Scope", "Steps", "XLA Modules")


def finish_devices(plan: Plan, recording: EventLog, truth: Truth) -> None:
    """Move the devices' events and busy times to the devices' clock, and add derived lines."""
    late_ns = plan.device_clock_ns
    for index, lines in enumerate(recording.devices):
        for line, events in lines.items():
            lines[line] = [
                Event(each.name, each.start_ns + late_ns, each.end_ns + late_ns, each.stats)
                for each in events
            ]
        truth.busy[index] = [span.at(lambda at: at + late_ns) for span in truth.busy[index]]
        if plan.derived_lines:
            every = [event for line in list(lines) for event in lines[line]]
            for line in DERIVED_LINES:
                lines[line] = [
                    Event(_op_name(each), each.start_ns, each.end_ns, {}) for each in every
                ]


def _op_name(event: Event) -> str:
    return str(event.stats.get(ev.STAT_TF_OP, event.name))
