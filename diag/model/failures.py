"""Requests that failed inside a batcher, by how far the trace shows them to come."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.events import Bools, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class Failures:
    """Whole ``BatchingSessionRun`` events, and calls of ``BatchFunction``, that did not run.

    Each is counted once. Where the trace cannot show a kind of failure, such as a run that returns
    an error, it is in none of the counts. Source of the paths: batching_session.cc (InternalRun,
    ProcessBatch, MergeInputTensors), tensorflow/serving 9d981c5c; recorded on a live server.

    Attributes:
        unscheduled: Ended without a call of the batch scheduler, in a trace that records such
            calls. Only the check of the inputs' first dimensions comes before that call.
        early: Ended before they joined a batch, in a trace without such calls: other versions may
            not record them.
        uncalled_start_ns: (n,) begin of each of these two kinds, ns since the capture's origin.
        uncalled_end_ns: (n,) end of each.
        refused_rows: (n,) rows of each request that the batch scheduler refused; -1 unknown.
        refused_start_ns: (n,) begin of each of these requests.
        refused_end_ns: (n,) end of each; of a call of ``BatchFunction``, when it was done.
        refused_while_waiting: (n,) whether a task waited in some queue as each was refused. A queue
            that is full has waiting tasks.
        accepted_rows: The largest number of rows that the scheduler accepted; -1 for none.
        unmerged: Enqueued, but the inputs of the batch could not be merged: ``ProcessBatch`` with
            ``MergeInputTensors`` and without a run.
        expired: Enqueued, but the batch was dropped before its inputs were merged, which happens
            only if the deadlines of all its requests have passed.
    """

    unscheduled: int
    early: int
    uncalled_start_ns: Int64s
    uncalled_end_ns: Int64s
    refused_rows: Int64s
    refused_start_ns: Int64s
    refused_end_ns: Int64s
    refused_while_waiting: Bools
    accepted_rows: int
    unmerged: int
    expired: int

    @property
    def refused(self) -> int:
        """Requests that never joined a batch."""
        return self.unscheduled + self.early + len(self.refused_rows)

    @property
    def with_batch(self) -> int:
        """Requests that failed together with their batch."""
        return self.unmerged + self.expired

    @property
    def total(self) -> int:
        """All of them."""
        return self.refused + self.with_batch
