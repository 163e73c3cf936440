"""Every number a rule uses, with its unit, its reason and its source."""

from __future__ import annotations

# A batch thread waits at most this long before it looks at the queues again
# (kBatchThreadPoolPollMicros, shared_batch_scheduler.h, TensorFlow 2.21).
POLL_PERIOD_NS = 1_000_000

# A free thread takes a batch that an enqueue has filled within this time: it is signalled, not
# polled (sample_traces/: 99 % under 0.2 ms on two cores).
SIZE_CLOSE_MAX_NS = 300_000

# Percentiles need about one sample beyond them to mean anything: 1 / (1 - 0.99) = 100.
MIN_SAMPLES_P50 = 10
MIN_SAMPLES_P90 = 30
MIN_SAMPLES_P99 = 100

# Requests longer than window / 5 are recorded less often than they occur by more than 20 %, since
# only requests that begin and end inside the window are recorded.
MIN_WINDOW_OVER_P99 = 5
