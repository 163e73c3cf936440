"""Trace sources: the ways to record a trace of a running server."""
