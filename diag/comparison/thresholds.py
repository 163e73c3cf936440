"""The limits of comparisons, each with its unit, reason and source."""

from __future__ import annotations

# Fewest complete requests on a side (requests): below, resampling says more of the draw than of the
# server. Ten blocks of five, the shortest block there is.
REQUESTS_MIN = 50
# Fewest blocks in a capture (blocks): below ten, the spread between resampled captures says more of
# the draw than of the server.
BLOCKS_MIN = 10
# Fewest independent values that a capture must be worth (count): its requests over their
# correlation time. With fewer the time itself is found too short, and chance is taken for a change
# (tests/unit/comparison/test_false_alarms.py).
INDEPENDENT_MIN = 6
# Requests beyond a percentile that its interval needs (requests): the resampled p99 of a hundred
# requests is one of the two slowest, whatever the server does. At the level below, 5 keep chance
# from being taken for a change in nine of ten draws of skewed, correlated times
# (tests/unit/comparison/test_false_alarms.py).
TAIL_MIN = 5
# Block length in integrated autocorrelation times (ratio). The error of the interval's width falls
# with the block length: 5 halves the correlation that is cut at block edges against 2.
BLOCK_CORRELATION_TIMES = 5.0
# Lags that count, in autocorrelation times (ratio): Sokal 1996, section 3, advises 4 to 10.
SOKAL_WINDOW = 5.0
# Resampled captures (replicates): 1,000 is what Efron and Tibshirani 1993, chapter 12, give as
# enough for percentile intervals.
REPLICATES = 1000
# Requests that are resampled (count): of more, every second, third, … is taken, in time order. The
# intervals get wider by that, and a comparison stays below about ten seconds and 300 MB.
RESAMPLED_MAX = 40_000
# Counts held at a time (cells of 8 bytes): 32 MiB, of which a step makes up to four copies.
COUNTS_MAX_CELLS = 4_000_000
# Part of the replicates inside the interval (ratio). Three latencies decide, so that each may miss
# in 1 % of cases only.
LEVEL = 0.99
# Bins of a window (count), for what is no property of requests: idle time and arrivals.
WINDOW_BINS = 60
# Bins of all windows together (count): bounds the memory where lengths differ much.
WINDOW_BINS_MAX = 6000
# Smallest change that matters (ratio of the value before). A choice: with many requests even a
# change of 0.1 % is beyond chance within the captures, but a recording itself costs requests 2 to
# 3 % of their p50 on a live TensorFlow Serving, and never exactly the same twice.
MATTERS_MIN_RATIO = 0.03
# Largest difference of the models' shares of requests (total variation, 0 to 1). A choice, as the
# three limits that follow: half of what moved a mean by more than MATTERS_MIN_RATIO in examples.
MIX_MAX_DISTANCE = 0.05
# Largest difference of load between two captures that are compared (ratio). A batching server's
# waits follow its load: beyond this, the change of load can be the cause.
LOAD_MAX_RATIO = 0.15
# Largest difference of mean concurrency at which two loads count as the same closed loop (ratio).
CONCURRENCY_MAX_RATIO = 0.15
# The same number of clients that wait for each answer never has more requests open than there are
# clients, and mostly that many: least mean of the open requests, as a ratio of the most. A client's
# own time between calls takes a share: one caller of the demo's padding, 30 ms before and 4.85 ms
# after, has 0.93 and 0.78 requests open. Requests that come on their own, with a mean of 3 open,
# have 8 open at some moment (Poisson, 99%), a ratio of 0.4.
CALLERS_OPEN_MIN_RATIO = 0.7
# Largest distance between the distributions of request sizes (total variation, 0 to 1).
SIZES_MAX_DISTANCE = 0.1
# Largest ratio of the burstiness of arrivals (index of dispersion of the counts in WINDOW_BINS).
BURSTINESS_MAX_RATIO = 4.0
# Change that a longer recording should be able to show, where none was seen (ratio).
WANTED_RATIO = 0.05
