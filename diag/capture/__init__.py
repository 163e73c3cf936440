"""From a running server to a bundle: one profiling session and what can be sampled beside it.

Knows gRPC, HTTP, NVML and the host; knows nothing of how a capture is analysed or shown.
"""
