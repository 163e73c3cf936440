"""An Analysis in, Findings out: what is wrong, what to change, and how to check the change.

``find`` runs every rule and ranks what they find; ``conclude`` puts the first finding and the
state of the device into one verdict.
"""

from diag.findings.ranking import run_rules as find
from diag.findings.verdict import Verdict, conclude

__all__ = ["Verdict", "conclude", "find"]
