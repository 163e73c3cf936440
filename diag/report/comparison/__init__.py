"""A comparison as a page: the same formats as a report, other sections."""

from diag.report.comparison.build import build_comparison
from diag.report.comparison.model import ComparisonReport

__all__ = ["ComparisonReport", "build_comparison"]
