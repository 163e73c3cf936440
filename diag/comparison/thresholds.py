"""The limits of comparisons, each with its unit, reason and source."""

from __future__ import annotations

# Fewest blocks in a capture (blocks): below ten, the spread between resampled captures says more
# of the draw than of the server.
BLOCKS_MIN = 10
# Block length in integrated autocorrelation times (ratio). The error of the interval's width falls
# with the block length: 5 halves the correlation that is cut at block edges against 2.
BLOCK_CORRELATION_TIMES = 5.0
# Lags that count, in autocorrelation times (ratio): Sokal 1996, section 3, advises 4 to 10.
SOKAL_WINDOW = 5.0
# Resampled captures (replicates): 1,000 is what Efron and Tibshirani 1993, chapter 12, give as
# enough for percentile intervals.
REPLICATES = 1000
# Counts held at a time (cells of 8 bytes): 64 MiB.
COUNTS_MAX_CELLS = 8_000_000
# Counts computed in all (cells): bounds a comparison of large captures to a few seconds. With more
# requests there are fewer replicates, but never below REPLICATES_MIN.
COUNTS_ALL_CELLS = 100_000_000
REPLICATES_MIN = 200
# Part of the replicates inside the interval (ratio).
LEVEL = 0.95
# Bins of a window (count), for what is no property of requests: idle time and arrivals.
WINDOW_BINS = 60
# Bins of all windows together (count): bounds the memory where lengths differ much.
WINDOW_BINS_MAX = 6000
# Smallest change that matters (ratio of the value before). A choice: with many requests even a
# change of 0.1 % is beyond chance within the captures, but a recording itself costs requests 2 to
# 3 % of their p50 on a live TensorFlow Serving, and never exactly the same twice.
MATTERS_MIN_RATIO = 0.03
# Largest difference of load between two captures that are compared (ratio). A batching server's
# waits follow its load: beyond this, the change of load can be the cause.
LOAD_MAX_RATIO = 0.15
# Largest difference of mean concurrency at which two loads count as the same closed loop (ratio).
CONCURRENCY_MAX_RATIO = 0.15
# Largest distance between the distributions of request sizes (total variation, 0 to 1).
SIZES_MAX_DISTANCE = 0.1
# Largest ratio of the burstiness of arrivals (index of dispersion of the counts in WINDOW_BINS).
BURSTINESS_MAX_RATIO = 4.0
# Change that a longer recording should be able to show, where none was seen (ratio).
WANTED_RATIO = 0.05
