"""Idle time of each device, or of model execution on the CPU, cut into pieces of one cause each."""

from diag.analysis.idle.gaps import IdleTime, find_gaps
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.longest import LONGEST, WAITING_MAX
from diag.analysis.idle.timeline import CPU_TIMELINE

__all__ = ["CPU_TIMELINE", "LONGEST", "WAITING_MAX", "IdleInputs", "IdleTime", "find_gaps"]
