"""Backends, which exist once JAX was used."""

_backends = {"cpu": object()}
