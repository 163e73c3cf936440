"""Rules of Prometheus and a dashboard of Grafana for TensorFlow Serving, from one definition.

``series`` says what is recorded, ``alerts`` what is too much of it, ``dashboard`` how it is drawn,
``files`` writes ``docs/monitoring/``.
"""

from diag.monitoring.prometheus.files import monitoring_files
from diag.monitoring.prometheus.timing import Timing

__all__ = ["Timing", "monitoring_files"]
