"""Python loops around a model: iterations, Python functions, and tf.data pipelines."""
