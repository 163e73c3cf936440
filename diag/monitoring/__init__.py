"""What a server's metrics page says between two scrapes, in the series that people need."""

from diag.monitoring.load import ServerLoad, read_load

__all__ = ["ServerLoad", "read_load"]
