"""Idle time of a device, or of the model's execution on the CPU, cut into pieces of one cause."""

from diag.analysis.idle.gaps import CPU_TIMELINE, find_gaps

__all__ = ["CPU_TIMELINE", "find_gaps"]
