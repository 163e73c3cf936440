"""What diag says about Python loops, against what the loops logged themselves."""
