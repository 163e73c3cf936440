"""What a kind of request has to provide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from diag.analysis.execution.execution import Execution
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.analysis.requests.model_names import ModelNames
from diag.analysis.requests.rows import Rows
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class KindInputs:
    """What requests are found in.

    Attributes:
        execution: What ran.
        linked: Steps, batches and tasks, linked and cut into stages.
        names: Gives models their labels.
    """

    execution: Execution
    linked: LinkedSteps
    names: ModelNames

    @property
    def events(self) -> EventTable:
        """Events of the host plane."""
        return self.execution.events

    @property
    def has_steps(self) -> bool:
        """Whether the trace shows steps at all; at tracer level 1 it does not."""
        events = self.events
        names = (ev.SESSION_RUN, ev.FUNCTION_RUN, ev.EXECUTOR_PROCESS)
        return len(events.rows_named(*names)) > 0


@dataclass(frozen=True, slots=True, eq=False)
class Roots:
    """The root events of one kind of request: each is one request, recorded whole.

    Attributes:
        row: (n,) event row of each.
        step: (n,) root step that is the request or that it ran by itself, -1 if none.
        taken: (k,) steps that belong to these requests, and so are no requests of their own.
        censored: Requests of which parts were recorded but not the root event.
    """

    row: Int64s
    step: Int64s
    taken: Int64s
    censored: int = 0


_NONE = np.empty(0, np.int64)
NO_ROOTS = Roots(_NONE, _NONE, _NONE)


class RequestKind(Protocol):
    """A kind of request; a module with these two functions is one."""

    def find(self, inputs: KindInputs, free: Bools) -> Roots:
        """Find the requests of this kind.

        Args:
            inputs: What was recorded.
            free: (steps,) root steps that no batch ran and no earlier kind has taken.
        """

    def tile(self, inputs: KindInputs, roots: Roots) -> Rows:
        """Cut the time of these requests into stages, adding up to each exactly."""


def positions(members: Int64s, count: int) -> Int64s:
    """(count + 1,) position in ``members`` of each of ``count`` things, -1 elsewhere.

    The last place is what the index -1 finds: nothing.
    """
    out = np.full(count + 1, -1, np.int64)
    out[members] = np.arange(len(members))
    return out
