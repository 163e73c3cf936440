"""Tuning: what the simulation says of today's settings, and of others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.model.capture import Capture
    from diag.prediction.changes import Changes
    from diag.prediction.recorded import SelfCheck
    from diag.prediction.replicates import Estimates
    from diag.simulation.options import ServerSettings
    from diag.tuning.search import Candidate


@dataclass(frozen=True, slots=True)
class Tuning:
    """A load, a server and a proposal.

    Attributes:
        capture: What the load and the times of batches were recorded in.
        models: Names of the models in it.
        clients: Clients of a closed loop, each with one request at a time; 0 for an open loop.
        settings: In force.
        changes: The parameters to try.
        proposed: Settings with these.
        rate: Factor on the load of the prediction.
        today: Estimates for today's settings and load.
        prediction: Estimates for the proposal; Unavailable where the self-check fails.
        self_check: Of the simulation.
        objective: What the search minimized, or "" where parameters were given.
        limits_ms: The most that a latency may be, by metric.
        not_beaten: Settings that no other of the search beats in p99 and in time of batches.
        headroom_today_per_s: Most requests per second within the limits, today's settings.
        headroom_per_s: The same with the proposal.
        extrapolated_rows: The largest batch of the prediction, where none so large was recorded; 0
            where one was.
        recorded_rows: The largest recorded batch, as executed; of several queues, that of the queue
            with the smallest batches.
        queues: The model of each queue.
        busiest_first: The queues by their number of requests.
        functions: Whether each recorded queue is of a BatchFunction.
        assumed: What the recording does not tell, as sentences.
    """

    capture: Capture
    models: tuple[str, ...]
    clients: int
    settings: ServerSettings
    changes: Changes = field(hash=False)
    proposed: ServerSettings
    rate: float
    today: Estimates = field(hash=False)
    prediction: Estimates | Unavailable = field(hash=False)
    self_check: SelfCheck
    objective: str
    limits_ms: Mapping[str, float] = field(hash=False)
    not_beaten: tuple[Candidate, ...]
    headroom_today_per_s: float | Unavailable
    headroom_per_s: float | Unavailable
    extrapolated_rows: int
    recorded_rows: int
    queues: tuple[str, ...]
    busiest_first: tuple[int, ...]
    functions: tuple[bool, ...]
    assumed: tuple[str, ...]

    @property
    def is_batched(self) -> bool:
        """Whether the server batches requests today."""
        return any(options is not None for options in self.settings.queues)

    @property
    def is_function(self) -> bool:
        """Whether all batching is inside the models, by BatchFunction."""
        return self.is_batched and all(self.functions)

    @property
    def pads_inputs(self) -> bool:
        """Whether the recorded parameters pad inputs of different lengths."""
        told = self.capture.batching_parameters
        return not isinstance(told, Unavailable) and told.pad_variable_length_inputs
