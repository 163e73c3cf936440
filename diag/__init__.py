"""diag: why a TensorFlow Serving replica is slow, or its GPU idle."""

__version__ = "0.1.0"
