"""Bytes to domain types and back: bundles, traces, batching parameters, metrics and samples.

``source.open_bundle`` reads every kind of source. Modules here read files and wire formats; they
do not analyze or display a capture.
"""
