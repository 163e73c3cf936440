"""Traces: an XSpace decoded into columns, and the window and tracer level that it records."""
