"""The scenarios, one module a topic: where the cause is planted."""

from __future__ import annotations

from diag.demo.scenario import Scenario
from diag.demo.scenarios import batches, clients, cores, demand, failures, graphs, threads

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for topic in (demand, batches, threads, graphs, clients, failures, cores)
    for scenario in topic.SCENARIOS
}
"""Scenarios by name, in the order of the documentation."""
