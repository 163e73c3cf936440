"""Two captures, or two sets of captures, compared: what changed, and what that can be said of."""

from diag.comparison.pipeline import compare
from diag.comparison.result import Comparison

__all__ = ["Comparison", "compare"]
