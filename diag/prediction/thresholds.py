"""The limits of the simulation, each with its unit, reason and source."""

from __future__ import annotations

from typing import Final

# Fewest batched requests (requests): with fewer, even the mean has an interval wider than what
# batching parameters usually change.
REQUESTS_MIN: Final = 30
# Part of the requests that may have batches in several queues (ratio): such a request ends with the
# last of them, and the simulation knows one. In the recording of two batchers side by side
# (tests/recordings/README.md) it promised 2 ms too much.
SEVERAL_QUEUES_MAX_RATIO: Final = 0.05
# Largest part by which the simulation of today's settings may miss a measured value (ratio). A
# choice: half of the accuracy that is wanted of a prediction would be 7 %, and captures of the same
# server differ by about that much.
SELF_CHECK_MAX_ERROR: Final = 0.10
# Quantile of the number of open requests that counts as the number of clients: the highest counts
# are reached for moments, where an answer and the next request overlap.
CLIENTS_QUANTILE: Final = 0.98
# Fewest clients of a closed loop (requests): one request at a time is also what a slow load gives.
CLIENTS_MIN: Final = 3
# Part of the time in which requests of all clients are open (ratio). Closed loops of live servers
# gave 0.39 to 0.92 (tests/recordings, the demo), arrivals on their own 0.02 or less where three or
# more were open at once.
CLIENTS_ALL_OPEN_MIN_RATIO: Final = 0.2
# Standard deviation over mean of the times between requests (ratio). Arrivals at a fixed pace have
# nearly 0; closed loops gave 0.7 or more, because a batch answers several clients at once.
CLIENTS_MIN_GAP_VARIATION: Final = 0.2
# Longest reaction of an idle thread that counts as waking (ns): half of the scheduler's poll.
# Longer ones are polls.
WAKE_MAX_NS: Final = 500_000
# num_batch_threads that a server without batching is given where its cores are not known (threads);
# the server's default is one a core.
CORES_UNKNOWN: Final = 4
# max_batch_size (rows) and max_enqueued_batches (batches) where nothing tells them.
NO_LIMIT: Final = 1_000_000
# Recorded batches near a time of which one lends its deviation to a simulated batch (batches): few
# enough to keep slow periods together, enough for chance.
NEAR_BATCHES: Final = 2
# Time of a batch over the median of its size from which the rest of it is time in which it was held
# up (ratio): a slow machine makes every row slower, a lost core costs a time.
HELD_UP_RATIO: Final = 2.0
# Standard deviation of the mean number of other running batches that shows the slow-down of one by
# another (batches).
OVERLAP_MIN_SPREAD: Final = 0.15
# Part of the batches (quantile) that ran nearly alone where the slow-down can be seen, and the mean
# number of others that counts as that (batches).
ALONE_QUANTILE: Final = 0.1
ALONE_MAX_OTHERS: Final = 0.5
# Fewest batches for that (batches).
OVERLAP_MIN_BATCHES: Final = 30
# Time of a row over that of all rows of a batch where one size was recorded (ratio). Of ten
# recorded servers with several sizes it was 0.03 to 0.47 in the smallest of them, 0.23 in
# the middle (sample_traces, tests/recordings).
ROW_UNSEEN: Final = 0.25
# Part by which the cost of a row may be wrong beyond the recorded sizes (ratio of itself).
EXTRAPOLATED_MAX_ERROR: Final = 0.5
# Standard deviation of the logarithm of the time that a batch takes in different minutes (ratio).
# In ten recordings of one model of the demo on one machine, the median time of a row had 0.09.
PACE_SPREAD: Final = 0.1
# Runs with the recorded arrivals, for the value (runs); with resampled ones, for the interval.
VALUE_RUNS: Final = 5
INTERVAL_RUNS: Final = 20
# Simulated requests for one answer (requests): bounds it to a few seconds.
REQUESTS_MAX: Final = 250_000
# Part of resampled runs inside the interval (ratio).
LEVEL: Final = 0.95
# Blocks that arrivals are resampled in (blocks of the window): long enough to keep bursts together.
BLOCKS: Final = 20
# Slow-down of a batch by each other one (ratio), its least and its most, where the recording does
# not show it. One thread more gave a live TensorFlow Serving on two cores 7 % throughput, which is
# a slow-down of 0.87; runs that use one core of many slow each other down little.
MUTUAL_UNSEEN: Final = (0.8, 0.4, 1.0)
# Steps that CPU and running batches are averaged over (ns): the kernel counts CPU time in ticks of
# 10 ms, a twentieth of it. Fewest steps, and the largest standard error of the cores of a batch
# (cores), for which the line through them is used.
CORES_STEP_NS: Final = 200_000_000
CORES_MIN_STEPS: Final = 10
CORES_MAX_ERROR: Final = 0.25
# Slow-down beyond what the cores explain (ratio): caches, memory, and what handles the requests of
# the moment. In 17 recordings of the demo and of live servers whose batches overlap, they slowed
# each other down by 0.15 more (median), and by -0.4 to 0.75. Least range to both sides (ratio).
MUTUAL_BEYOND_CORES: Final = 0.15
MUTUAL_BY_CORES_MIN_ERROR: Final = 0.3
# Part of the free cores, or of a GPU's time, that batches which always overlap use while they run
# (ratio). With less, they wait for something else: the rest was there to be used.
SHARED_MIN_USE: Final = 0.5
# Reaction of an idle thread where no batch shows it (ns), as in diag/findings/thresholds.py.
WAKE_NS: Final = 50_000
# Limits of max_enqueued_batches that are tried where it is not known and requests were refused
# (batches).
ENQUEUED_TRIED: Final = (1, 2, 3, 4, 6, 8, 10, 16, 32, 64, 100)
