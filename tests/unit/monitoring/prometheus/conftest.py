"""Grafana's models need a later Python than diag."""

import sys

collect_ignore = [] if sys.version_info >= (3, 11) else ["test_dashboard_models.py"]
