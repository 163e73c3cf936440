"""The tab ``diag`` of TensorBoard, into whose process it brings no analysis and no TensorFlow."""
