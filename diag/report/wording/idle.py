"""What idle and starved mean, for the tables that count both."""

from __future__ import annotations

_STARVED = "starved: requests were open, but their input was not ready"


def define_idle(*, is_device: bool, has_requests: bool = True) -> str:
    """One line for a table of a GPU, or of model execution on the CPU."""
    what = "no kernel, copy or memset ran" if is_device else "no model op ran (not CPU utilization)"
    return f"idle: {what}; {_STARVED}" if has_requests else f"idle: {what}"
