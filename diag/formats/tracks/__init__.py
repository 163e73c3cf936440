"""Tracks in the file formats of trace viewers."""
