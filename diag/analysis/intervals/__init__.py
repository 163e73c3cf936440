"""Arithmetic on columns: interval sets, tilings, nesting, joins by id; no serving terms."""
