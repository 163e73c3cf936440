"""Stands for JAX: as large as ``diag run`` needs it."""

from jax._src import profiler as profiler
from jax._src import xla_bridge as xla_bridge

__version__ = "0.standin"
