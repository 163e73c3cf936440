"""What diag reads of a SavedModel, without TensorFlow: signatures, ops, warm-up requests."""
