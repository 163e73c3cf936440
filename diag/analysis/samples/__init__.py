"""What was measured outside the trace, and the comparison of both."""
