"""Bundles: their layout, manifest and files, read from a folder or .zip and written whole.

A bundle becomes a Capture in ``contents``.
"""
