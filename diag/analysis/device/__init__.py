"""GPUs over the window: totals, cost of batches, kernels, clock and lost events."""
