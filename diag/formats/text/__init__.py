"""Text formats: batching parameters, Prometheus metrics and lines of samples."""
