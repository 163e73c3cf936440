"""What clients logged of their calls, joined with the requests of the trace."""
