"""Every number a rule uses, with its unit, its reason and its source."""

from __future__ import annotations

# A free thread takes a batch that an enqueue has filled within this time: it is signalled, not
# polled (sample_traces/: 99 % under 0.2 ms on two cores).
SIZE_CLOSE_MAX_NS = 300_000

# ratio of a queue's batches that must have waited with a thread free to tell its timeout: of a pool
# that is always full, those seem to that waited for threads whose batches the window cut off.
MIN_TELLING_RATIO = 0.05

# An executor takes this long at most to hand a closure over, and a thread from its begin to its
# burst (sample_traces/: step time without a burst, and farther from any closure that waits, is 0 to
# 0.004 % of all; within 20 us, 0.02 to 0.07 %).
HANDOVER_MAX_NS = 100_000

# Percentiles need about one sample beyond them to mean anything: 1 / (1 - 0.99) = 100.
MIN_SAMPLES_P50 = 10
MIN_SAMPLES_P90 = 30
MIN_SAMPLES_P99 = 100

# Requests longer than window / 5 are recorded less often than they occur by more than 20 %, since
# only requests that begin and end inside the window are recorded.
MIN_WINDOW_OVER_P99 = 5

# A compiling op that returns what was compiled before takes microseconds (_XlaCompile looks a
# cluster up by its arguments' shapes); compiling takes tens of milliseconds and more.
COMPILE_OP_MIN_NS = 1_000_000

# A first run tunes its ops or loads what they need if, apart from preprocessing, it is in ops for
# this long before its first device work (choosing a convolution's algorithm or loading a library's
# kernels takes tenths of a second; less is an ordinary op), and for this many times as long as
# later runs of the same queue or model take up to there: threads that share processors make runs of
# one graph several times as long, hardly ten times. A median of fewer later runs is any one of
# them. Not measured.
COLD_RUN_MIN_NS = 50_000_000
COLD_RUN_RATIO = 10
WARM_RUNS_MIN = 3

# With a request open, some thread of a server that runs leaves a mark within this time: idle batch
# threads alone look at their queues every POLL_PERIOD_NS (simulation), five times over.
BLANK_MIN_NS = 5_000_000

# ratio of a blank interval that the cgroup's throttled time must have grown by over it: a server
# that was stopped throughout has each of its run queues throttled for all of it.
THROTTLED_MIN_SHARE = 0.5

# ratio of a piece of idle time over which events must show its cause for it to be sure: the tail of
# a step, or the moment between two ops, leaves no event and changes nothing.
SHOWN_MIN_SHARE = 0.9

# A runner-up as near to the device as the cause itself makes it doubtful if it holds for this
# share of the piece.
RUNNER_UP_MIN_SHARE = 0.5

# The device's clock is read back to back with the host's once a recording; where no launch tells
# how well that went, pieces shorter than this are not told apart (a reading is a driver call of
# 1 to 10 us, xla/backends/profiler/gpu/cupti_collector.cc).
CLOCK_ERROR_UNKNOWN_NS = 10_000

# A line through t(b) needs two batch sizes.
MIN_SIZES_FIT = 2

# A row costs something where the line's slope is more than this many times its standard error: of
# runs that cost nothing a row, one set in forty would show that by chance.
FIT_ERRORS_MIN = 2

# Time that differs by no more than this, as a ratio, from the smallest to the largest batches seen
# is the same to whoever chooses a batch size; and it says something only of sizes that differ by
# this factor, as between sizes closer than that time changes little whatever it is made of.
FLAT_MAX_RATIO = 0.1
SIZES_MIN_RATIO = 2

# ratio of the window in the GPU tracer's own records: what costs less than this cannot be told from
# the differences between two windows under the same load (docs/accuracy.md).
MIN_OVERHEAD_RATIO = 0.05

# ratio of device events without a run: fewer cannot move a share of a request's time by more than
# the difference between two windows under the same load.
MIN_UNLINKED_RATIO = 0.05

# ratio by which sampled and traced busy time may differ, beyond what resolution and clocks explain,
# and still agree: a sampler gives whole percents, sees neither the start of a kernel nor that of
# its period exactly, and the device tracer starts some 10 ms after the window does. Not measured.
AGREE_MAX_RATIO = 0.10

# NVML and DCGM give whole percents, rounded in a way they do not tell.
SAMPLE_ROUNDING_RATIO = 0.01

# Gaps between kernels that are shorter may count as busy in a sampler's eyes: back-to-back launches
# of tiny kernels leave 5 to 20 us (launch latency of CUDA), and no source tells how finely the
# driver's own counter looks.
SAMPLER_BLIND_NS = 50_000

# Above this width of the bounds on traced busy time, no sampled value says much about it.
BOUNDS_MAX_RATIO = 0.5

# nvmlUtilization_t: "between 1 second and 1/6 second, depending on the product".
NVML_PERIOD_MIN_NS = 166_000_000
NVML_PERIOD_MAX_NS = 1_000_000_000

# dcgm-exporter --collect-interval, in its own default (pkg/cmd/app.go: 30000 ms), and the least
# that DCGM watches a field at.
DCGM_INTERVAL_NS = 30_000_000_000
DCGM_INTERVAL_MIN_NS = 100_000_000

# A GPU sampled busier than this was used: drivers and samplers themselves wake it now and then.
SAMPLED_BUSY_MIN_RATIO = 0.05

# Other processes explain what the trace lacks if their own shares make up this part of it: shares
# are sampled as coarsely as the whole, and take turns within a period.
OTHERS_EXPLAIN_RATIO = 0.5

# A process seen at work, and not one that only holds memory.
AT_WORK_MIN_RATIO = 0.01
