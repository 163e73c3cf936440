"""An Analysis in, a Verdict out: what it means and what to do about it."""

from diag.findings.decide import decide
from diag.findings.verdict import Evidence, Verdict

__all__ = ["Evidence", "Verdict", "decide"]
