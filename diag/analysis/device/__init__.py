"""What GPUs did over the window: totals, cost of batches, kernels, the clock, and what was lost."""
