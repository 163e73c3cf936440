"""Leaves out what Python 3.10 cannot run: JAX's first release for diag's NumPy needs 3.11."""

from __future__ import annotations

import sys

collect_ignore = [] if sys.version_info >= (3, 11) else ["test_record.py", "test_parts.py"]
