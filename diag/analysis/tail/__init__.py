"""Slow requests of each model: which they are, and what they have in common against the rest."""

from diag.analysis.tail.slow_requests import ModelTail, SizeLatency, find_tails

__all__ = ["ModelTail", "SizeLatency", "find_tails"]
