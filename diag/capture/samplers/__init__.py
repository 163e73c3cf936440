"""Samplers: readings of the host, the GPUs and a DCGM exporter during the recording."""
