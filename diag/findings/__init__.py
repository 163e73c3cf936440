"""An Analysis in, Findings out: what is wrong, what to change, and how to check the change.

``find`` runs every rule and ranks what they find; ``conclude`` puts the first finding and the
state of the device into one verdict; ``leading`` is the finding that it is about;
``not_looked_for`` names the rules whose source is missing.
"""

from diag.findings.not_serving import ID as _NOT_SERVING
from diag.findings.ranking import leading, not_looked_for
from diag.findings.ranking import run_rules as find
from diag.findings.rules import RULE_IDS as _RULE_IDS
from diag.findings.verdict import Verdict, conclude
from diag.findings.without_requests import NO_REQUESTS as _NO_REQUESTS
from diag.findings.without_requests import NOT_RECORDED as _NOT_RECORDED

FINDING_IDS = tuple(sorted((*_RULE_IDS, _NO_REQUESTS, _NOT_RECORDED, _NOT_SERVING)))

__all__ = ["FINDING_IDS", "Verdict", "conclude", "find", "leading", "not_looked_for"]
