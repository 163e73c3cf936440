"""What was sampled beside the trace, on its clock, and whether the two agree."""
