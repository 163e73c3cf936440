"""A kind of request is one object with two functions: here the iteration of a serving loop."""

from __future__ import annotations

import numpy as np

from diag.analysis import analyze
from diag.analysis.intervals.nesting import innermost
from diag.analysis.requests.kinds import KINDS, KindInputs, Roots, unbatched
from diag.analysis.requests.rows import Rows
from diag.model.events import Bools
from diag.model.serving import STAGES, Mode, Stage
from tests.unit.analysis.traces import capture_of, tiles_exactly

LOOP = """
plane /host:CPU
line python
  Iteration 100..900us
    SessionRun 300..800us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 310..790us id=1 _c=1
    dense:MatMul 320..780us
line grpc
  SessionRun 150..350us id=2 _p=2
line tf_Compute/2
  ExecutorState::Process 160..340us id=2 _c=2
"""


class Iterations:
    """Events called ``Iteration``; what lies around the one step in each is scheduling."""

    def find(self, inputs: KindInputs, free: Bools) -> Roots:
        row, own = inputs.events.rows_named("Iteration"), np.flatnonzero(free)
        around = innermost(inputs.events, row, inputs.linked.steps.row[own])
        return Roots(row, own[around >= 0], own[around >= 0])

    def tile(self, inputs: KindInputs, roots: Roots) -> Rows:
        events, n = inputs.events, len(roots.row)
        start_ns, end_ns = events.start_ns[roots.row], events.end_ns[roots.row]
        stage_ns = inputs.linked.step_stage_ns[roots.step]
        stage_ns[:, Stage.SCHEDULE.index] += end_ns - start_ns - stage_ns.sum(axis=1)
        none = np.full(n, -1, np.int64)
        return Rows(
            mode=Mode.UNBATCHED,
            start_ns=start_ns,
            end_ns=end_ns,
            rows=none,
            model=inputs.names.indices(none, none, ()),
            complete=np.ones(n, np.bool_),
            link=np.zeros(n, np.int64),
            links=("SessionRun inside Iteration",),
            stage_ns=stage_ns,
            stage_known=np.ones((n, len(STAGES)), np.bool_),
            root=roots.row,
            step=roots.step,
            of_task=np.full(len(inputs.linked.tasks), -1, np.int64),
        )


def test_the_kind_that_takes_every_step_left_over_is_the_last() -> None:
    assert KINDS[-1] is unbatched


def test_a_new_kind_takes_its_steps_from_the_kinds_after_it() -> None:
    analysis = analyze(capture_of(LOOP), kinds=(Iterations(), *KINDS))
    requests = analysis.requests
    assert requests.start_ns.tolist() == [100_000, 150_000]  # no row for the step of the iteration
    assert requests.end_ns.tolist() == [900_000, 350_000]
    links = [requests.links[i] for i in requests.linked_by_index]
    assert links == ["SessionRun inside Iteration", unbatched.LINK]
    iteration = dict(zip((stage.value for stage in STAGES), requests.stage_ns[0], strict=True))
    assert iteration["schedule"] == 300_000
    assert iteration["compute"] == 480_000 + 10_000  # its burst, and from there to its end
    assert tiles_exactly(analysis)
