"""A tuning as a page: the same formats as a report, other sections."""

from diag.report.tuning.batching_file import parameters_file
from diag.report.tuning.build import build_tuning
from diag.report.tuning.model import TuningReport

__all__ = ["TuningReport", "build_tuning", "parameters_file"]
