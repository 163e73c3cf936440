"""Loads on demo servers, and the batching parameters that each load is recorded with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from diag.demo.arrivals import Arrivals
from diag.demo.scenarios import SCENARIOS

if TYPE_CHECKING:
    from diag.demo.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Parameters:
    """One setting of a server; the fields of a batching_parameters_file."""

    max_batch_size: int
    batch_timeout_micros: int
    num_batch_threads: int
    allowed_batch_sizes: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """What differs between settings, for a table."""
        sizes = "/".join(map(str, self.allowed_batch_sizes))
        return (
            f"{self.max_batch_size} rows, {self.batch_timeout_micros / 1000:g} ms, "
            f"{self.num_batch_threads} threads{f', sizes {sizes}' if sizes else ''}"
        )

    @property
    def text(self) -> str:
        """The file."""
        lines = [
            f"max_batch_size {{ value: {self.max_batch_size} }}",
            f"batch_timeout_micros {{ value: {self.batch_timeout_micros} }}",
            "max_enqueued_batches { value: 100 }",
            f"num_batch_threads {{ value: {self.num_batch_threads} }}",
            *(f"allowed_batch_sizes: {size}" for size in self.allowed_batch_sizes),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class TunedLoad:
    """A model under a load, and settings to record it with.

    Attributes:
        name: Of the load, in words.
        scenario: The demo's scenario whose model is served.
        arrivals: Of its requests.
        settings: Every pair of them is predicted in both directions.
    """

    name: str
    scenario: str
    arrivals: Arrivals
    settings: tuple[Parameters, ...]

    def planned(self) -> Scenario:
        """The scenario with this load."""
        known = SCENARIOS[self.scenario]
        (stream,) = known.streams
        return replace(known, streams=(replace(stream, arrivals=self.arrivals),))


LOADS = (
    TunedLoad(
        "60 requests/s",
        "padding",
        Arrivals("open", rate=60, seed=13),
        tuple(Parameters(64, micros, 2) for micros in (20_000, 10_000, 5_000, 2_000, 0)),
    ),
    TunedLoad(
        "8 clients",
        "one-batch-thread",
        Arrivals("closed", concurrency=8),
        (
            Parameters(2, 2_000, 1),
            Parameters(2, 2_000, 2),
            Parameters(4, 2_000, 1),
            Parameters(8, 2_000, 1),
        ),
    ),
    TunedLoad(
        "6 clients",
        "batch-timeout",
        Arrivals("closed", concurrency=6),
        (Parameters(64, 40_000, 2), Parameters(64, 5_000, 2), Parameters(6, 5_000, 1)),
    ),
    TunedLoad(
        "20 requests/s, padded",
        "padding",
        Arrivals("open", rate=20, seed=14),
        (Parameters(32, 2_000, 2, (16, 32)), Parameters(32, 2_000, 2, (1, 2, 4, 32))),
    ),
    TunedLoad(
        "70 requests/s",
        "padding",
        Arrivals("open", rate=70, seed=15),
        (
            Parameters(8, 2_000, 1),
            Parameters(32, 2_000, 1),
            Parameters(8, 2_000, 2),
            Parameters(32, 10_000, 4),
        ),
    ),
    TunedLoad(
        "bursts of 24",
        "burst",
        Arrivals("burst", rate=48, burst_size=24),
        (Parameters(2, 0, 1), Parameters(8, 0, 1), Parameters(32, 2_000, 1)),
    ),
)
