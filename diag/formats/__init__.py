"""Bytes to domain types and back: bundles, XSpaces, Prometheus text, samples, server settings.

Knows files and wire formats; knows nothing of how a capture is analysed or shown.
"""
