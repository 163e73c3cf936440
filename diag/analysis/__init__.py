"""A Capture in, an Analysis out: requests, batches, stages, idle gaps and their summaries.

Pure: no file, socket or terminal; the same Capture always gives the same Analysis.
"""

from diag.analysis.pipeline import analyze
from diag.analysis.result import Analysis

__all__ = ["Analysis", "analyze"]
