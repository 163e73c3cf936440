"""Idle time of a device, or of the model's execution on the CPU, cut into pieces of one cause."""

from diag.analysis.idle.gaps import CPU_TIMELINE, IdleTime, find_gaps
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.longest import LONGEST, WAITING_MAX

__all__ = ["CPU_TIMELINE", "LONGEST", "WAITING_MAX", "IdleInputs", "IdleTime", "find_gaps"]
