"""Arithmetic on columns: interval sets, tilings, nesting and joins by id, without serving terms."""
