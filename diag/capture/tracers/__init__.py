"""Trace sources: the ways to record a trace of a running process.

``trace_source`` is the interface; ``profiler_rpc`` and ``server_disk`` implement it;
``selection`` finds the one that fits a server.
"""
