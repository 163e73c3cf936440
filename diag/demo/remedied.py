"""A scenario's server with the first remedy of a finding applied, as an operator would do it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from diag.formats.text.batching_parameters import (
    parse_batching_parameters,
    text_of_batching_parameters,
)
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters

if TYPE_CHECKING:
    from pathlib import Path

    from diag.demo.scenario import Scenario
    from diag.model.finding import Finding, Setting

PARAMETERS_FILE = "batching_parameters.txt"
_NUMERIC = {field.name for field in fields(BatchingParameters) if "int" in str(field.type)}
# ``enable_batching`` names the parameters of the file to write.
_ENABLE = "enable_batching"
_SIZES = ("max_batch_size", "max_execution_batch_size")
_VALUE = re.compile(r"(\w+) (\d+)")


@dataclass(frozen=True, slots=True)
class Remedied:
    """How to start the server again.

    Attributes:
        applied: What was changed, in half a sentence.
        options: Further options of ``python -m diag.demo.serve``.
    """

    applied: str
    options: tuple[str, ...]


def remedied(scenario: Scenario, finding: Finding, folder: Path) -> Remedied | Unavailable:
    """Apply the first remedy of a finding to the scenario's server.

    Args:
        scenario: What was served.
        finding: The first finding of its capture.
        folder: Where the batching_parameters_file is written.
    """
    if not finding.remedies:
        return Unavailable("the finding names no change")
    if finding.id == "preprocessing-in-graph":
        return Remedied(
            "preprocessing moved from the graph to the clients, which send features",
            ("--without-preprocessing",),
        )
    plan = next(model for model in scenario.models if model.name == scenario.victim)
    now = None
    if plan.batching is not None:
        now = parse_batching_parameters(plan.batching, for_function=True)
    changed = _changed(now, finding)
    if isinstance(changed, Unavailable):
        return changed
    applied, parameters = changed
    path = folder / PARAMETERS_FILE
    path.write_text(text_of_batching_parameters(parameters), encoding="utf-8")
    return Remedied(applied, ("--batching-parameters-file", str(path)))


def _changed(
    now: BatchingParameters | None, finding: Finding
) -> tuple[str, BatchingParameters] | Unavailable:
    """What was changed, and the parameters afterwards."""
    setting = finding.remedies[0].setting
    if finding.id == "padding-waste" and now is not None:
        sizes = _powers_of_two(now.max_batch_size or 1)
        shown = ", ".join(map(str, sizes))
        return f"allowed_batch_sizes {shown}", replace(now, allowed_batch_sizes=sizes)
    if setting is not None and setting.name == _ENABLE and now is None:
        found = _VALUE.findall(str(setting.to))
        values: dict[str, Any] = {name: int(value) for name, value in found}
        shown = ", ".join(f"{name} {value}" for name, value in values.items())
        return f"batching turned on with {shown}", replace(BatchingParameters(), **values)
    if setting is None or setting.name not in _NUMERIC or not isinstance(setting.to, int):
        return Unavailable(f"the demo cannot apply it: {finding.remedies[0].action}")
    if now is None:
        return Unavailable("the model is not batched")
    return _with_setting(now, setting, setting.to)


def _with_setting(
    now: BatchingParameters, setting: Setting, to: int
) -> tuple[str, BatchingParameters]:
    """One value changed; allowed_batch_sizes end in max_batch_size, as the server demands."""
    before = getattr(now, setting.name)
    changes: dict[str, Any] = {setting.name: to}
    if setting.name in _SIZES:
        if setting.name != "max_batch_size":  # which bounds the other one, and may stay larger
            changes["max_batch_size"] = max(to, now.max_batch_size or to)
        if now.allowed_batch_sizes:
            kept = tuple(size for size in now.allowed_batch_sizes if size < to)
            changes["allowed_batch_sizes"] = (*kept, to)
    return f"{setting.name} {before} → {to}", replace(now, **changes)


def _powers_of_two(largest: int) -> tuple[int, ...]:
    """1, 2, 4, … and the largest."""
    smaller = (2**exponent for exponent in range(largest.bit_length()))
    return (*(size for size in smaller if size < largest), largest)
