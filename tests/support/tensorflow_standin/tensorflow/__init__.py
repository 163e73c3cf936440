"""Stands for TensorFlow: as large as ``diag run`` needs it."""

from tensorflow.python.profiler import profiler_v2 as profiler_v2

__version__ = "0.standin"
