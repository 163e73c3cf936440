"""Recordings of a JAX server that batches and annotates itself as TensorFlow Serving does.

JAX runs on the same profiler as TensorFlow (XLA's), so what a GPU's driver reports of it is what it
would report of TensorFlow Serving; ``python -m tests.gpu.record`` makes the recordings.
"""
