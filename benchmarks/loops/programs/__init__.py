"""Python loops around a model; each logs its steps by its own clock, outside the profiler."""
