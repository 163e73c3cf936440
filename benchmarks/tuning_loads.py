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
        "40 requests/s",
        "padding",
        Arrivals("open", rate=40, seed=13),
        tuple(Parameters(32, micros, 2) for micros in (40_000, 10_000, 2_000, 0)),
    ),
    TunedLoad(
        "6 clients",
        "healthy",
        Arrivals("closed", concurrency=6),
        (
            Parameters(2, 5_000, 1),
            Parameters(2, 5_000, 2),
            Parameters(6, 10_000, 1),
            Parameters(32, 60_000, 1),
        ),
    ),
    TunedLoad(
        "20 requests/s, padded",
        "padding",
        Arrivals("open", rate=20, seed=14),
        (Parameters(16, 2_000, 2, (4, 16)), Parameters(16, 2_000, 2, (1, 2, 16))),
    ),
    TunedLoad(
        "50 requests/s",
        "padding",
        Arrivals("open", rate=50, seed=15),
        (Parameters(8, 2_000, 1), Parameters(8, 2_000, 2), Parameters(32, 20_000, 4)),
    ),
    TunedLoad(
        "bursts of 12",
        "burst",
        Arrivals("burst", rate=24, burst_size=12),
        (Parameters(2, 0, 1), Parameters(12, 0, 1)),
    ),
)
