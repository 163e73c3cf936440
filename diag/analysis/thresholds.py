"""Every threshold of the analysis, with its unit, its reason and its source.

The last word of a name is the unit; ``RATIO`` and ``SHARE`` are 0 to 1.
"""

from __future__ import annotations

# A free batch thread takes a batch that an enqueue filled within this time. Threads are signalled
# for it, they do not poll (sample_traces/: 99 % under 0.2 ms on two cores).
SIZE_CLOSE_MAX_NS = 300_000

# A thread that was free for so many polls before it took a batch waited for the batch to be ready:
# one poll may be under way when the thread becomes free.
IDLE_POLLS = 2

# Part of a queue's batches that must have waited while a thread was free before its timeout is
# estimated. In a pool that is always full, the few batches that seem to have waited that way
# waited for threads whose batches the window cut off.
MIN_TELLING_RATIO = 0.05

# Waits for the timeout, to tell a short timeout from none, and waits that are late from a late
# thread: with ten of them the tenth percentile is one that was recorded.
MIN_TELLING_BATCHES = 10

# Batches that must contradict a given batching parameter, and the part of the queue's batches. One
# odd batch has other reasons: a queue that closes takes its last batch early.
CONTRADICTED_MIN_BATCHES = 3
CONTRADICTED_MIN_RATIO = 0.05

# A batch that starts this much before its timeout contradicts it. The scheduler notes the time just
# before the event of the enqueue, in whole us (shared_batch_scheduler.h, TensorFlow 2.21).
EARLY_MIN_NS = 100_000

# Waits that are this much longer than timeout and poll period, and of which the middle half lies
# within NEARLY_CONSTANT_NS, contradict the timeout. In recordings with CPUs at 100 % the tenth
# percentile is 0.1 ms above the timeout, and the middle half spans 0.3 to 0.6 ms.
LATE_MIN_NS = 200_000
NEARLY_CONSTANT_NS = 1_500_000

# Part of batches, or of their time, that must fit an explanation. The rest is preemption.
NEARLY_ALL_RATIO = 0.9

# An executor hands a closure over within this time, and a thread begins its burst within it
# (sample_traces/: step time without a burst, and farther than this from any closure that waits, is
# 0 to 0.004 % of all; with 20 us it is 0.02 to 0.07 %).
HANDOVER_MAX_NS = 100_000

# Runs that follow a load on its thread belong to it if they begin within this time: reading the
# warm-up records, and building the graph of a signature before its first run, take up to seconds
# (21 ms on a live server with a small model). A loading thread serves no client.
LOAD_PAUSE_MAX_NS = 1_000_000_000

# A thread of the warm-up pool begins its next record within this time: 0.08 to 0.2 ms on a live
# server, plus the building of a graph. It ends with its load, and a client's thread may then use
# its line.
REPLAY_PAUSE_MAX_NS = 50_000_000

# A percentile needs about one sample beyond it: 1 / (1 - 0.99) = 100.
MIN_SAMPLES_P50 = 10
MIN_SAMPLES_P90 = 30
MIN_SAMPLES_P99 = 100

# ns. An op on the CPU between GPU work that takes less is as short as the launch of a kernel (5 to
# 20 µs), which tracer level 3 shows for every op.
CPU_OP_MIN_NS = 50_000

# ns. Kernels shorter than this vary with the resolution of time stamps and the launch itself.
SPREAD_MIN_NS = 10_000

# ratio of time in kernels. Kernels that overlap for more make each other longer.
OVERLAP_MAX_RATIO = 0.05

# Only requests that begin and end inside the window are recorded, so requests longer than a fifth
# of the window are recorded over 20 % less often than they occur.
MIN_WINDOW_OVER_P99 = 5

# A compiling op that finds its result in the cache takes microseconds (_XlaCompile looks clusters
# up by the shapes of their arguments); compiling takes tens of milliseconds and more.
COMPILE_OP_MIN_NS = 1_000_000

# A first run tunes or loads kernels if, apart from preprocessing, it spends at least this time in
# ops before its first device work, and at least this many times the median of later runs of the
# same queue or model. Choosing a convolution's algorithm or loading a library's kernels takes
# tenths of a second; threads that share processors make runs of one graph several times as long,
# hardly ten times. A median needs this many later runs. Not measured.
COLD_RUN_MIN_NS = 50_000_000
COLD_RUN_RATIO = 10
WARM_RUNS_MIN = 3

# While a request is open, some thread of a running server records an event within this time: idle
# batch threads alone poll their queues every POLL_PERIOD_NS (simulation); this is five times that.
BLANK_MIN_NS = 5_000_000

# Part of an interval without events by which the cgroup's throttled time must grow over it: while
# a server is stopped, each of its run queues counts as throttled all the time.
THROTTLED_MIN_SHARE = 0.5

# Part of a piece of idle time over which events must show its cause for high confidence: the end
# of a step, or the time between two ops, has no event and changes nothing.
SHOWN_MIN_SHARE = 0.9

# A runner-up that is as near to the device as the cause itself lowers the confidence if it holds
# for this part of the piece.
RUNNER_UP_MIN_SHARE = 0.5

# The device's clock and the host's are read one after the other, once per recording. If no launch
# shows the error of that, shorter pieces do not get different causes (a reading is a driver call of
# 1 to 10 us, xla/backends/profiler/gpu/cupti_collector.cc).
CLOCK_ERROR_UNKNOWN_NS = 10_000

# A line through t(b) needs two batch sizes.
MIN_SIZES_FIT = 2

# Rows have a cost if the line's slope is above this many of its standard errors: of runs whose
# rows cost nothing, one set in forty shows such a slope by chance.
FIT_ERRORS_MIN = 2

# Times of the smallest and the largest batch size that differ by at most this ratio are the same
# for the choice of a batch size. The comparison needs sizes that differ by this factor: between
# sizes closer than that the time changes little in any case.
FLAT_MAX_RATIO = 0.1
SIZES_MIN_RATIO = 2

# Part of the window in the GPU tracer's own records. A smaller cost is within the difference
# between two windows under the same load (docs/accuracy.md).
MIN_OVERHEAD_RATIO = 0.05

# Part of the window before the GPU tracer started. A smaller one, such as the 10 ms that it usually
# takes, changes shares of the window by less than they are rounded to.
MIN_UNTRACED_RATIO = 0.01

# Runs of a graph without GPU work that show that GPUs were not traced yet: with fewer, a run may
# have ended before its first launch, or failed. Later runs of the graph need a GPU if this part of
# them had GPU work. Not measured.
MIN_UNTRACED_RUNS = 3
MIN_GPU_RUNS_SHARE = 0.9

# Part of device events without a run. Fewer move a share of request time by less than the
# difference between two windows under the same load.
MIN_UNLINKED_RATIO = 0.05

# Sampled and traced busy time agree up to this difference, beyond what resolution and clocks
# explain: samples are whole percents, samplers see the starts of kernels and of their own periods
# only roughly, and the device tracer starts some 10 ms after the window does. Not measured.
AGREE_MAX_RATIO = 0.10

# NVML and DCGM give whole percents and do not document how they round.
SAMPLE_ROUNDING_RATIO = 0.01

# A sampler may count shorter gaps between kernels as busy: back-to-back launches of tiny kernels
# leave 5 to 20 us (launch latency of CUDA), and no source says how finely the driver counts.
SAMPLER_BLIND_NS = 50_000

# If the bounds on the traced busy share are farther apart, no sampled value can contradict them.
BOUNDS_MAX_RATIO = 0.5

# nvmlUtilization_t: "between 1 second and 1/6 second, depending on the product".
NVML_PERIOD_MIN_NS = 166_000_000
NVML_PERIOD_MAX_NS = 1_000_000_000

# Default of dcgm-exporter --collect-interval (pkg/cmd/app.go: 30000 ms), and the shortest period
# at which DCGM watches a field.
DCGM_INTERVAL_NS = 30_000_000_000
DCGM_INTERVAL_MIN_NS = 100_000_000

# A GPU sampled busier than this was used: drivers and samplers also wake an idle one at times.
SAMPLED_BUSY_MIN_RATIO = 0.05

# Other processes explain a difference if their own shares make up this part of it: shares are
# sampled as coarsely as the whole, and processes take turns within a period.
OTHERS_EXPLAIN_RATIO = 0.5

# A process with this sampled share did work; one below it may only hold memory.
AT_WORK_MIN_RATIO = 0.01

# ratio. Mean GPU_UTIL from which an engine activity of exactly 0 cannot be true: half of the
# driver's periods had a kernel. Cases in the field had 95 to 99 % (NVIDIA/dcgm-exporter issue 662).
STUCK_ENGINE_MIN_UTILIZATION = 0.5

# ratio. A mean of the metrics page is shown if the digits that the page leaves out change it by no
# more: TensorFlow Serving prints sums with six digits, in steps of 0.1 s after three hours of load.
METRIC_MAX_ERROR_RATIO = 0.2

# answers, and ratio of them. By how much the counts of two histograms of one page may differ:
# answers that are in progress while the page is written are in one of them only.
COUNTS_MAX_DIFFERENCE = 4
COUNTS_MAX_DIFFERENCE_RATIO = 0.02

# Part of a request from which a piece of a run has a line of its own in the request's path: a
# request has at most a hundred such pieces. Shorter ones are told with their neighbours.
LINE_MIN_RATIO = 0.01

# Farthest that the clocks of clients may be from the server's. Clocks kept by NTP differ by ms; a
# clock that is off by seconds shows in every log of the machine.
CLIENT_CLOCK_MAX_NS = 5_000_000_000

# Width in which the ends of requests and of calls meet: about what an answer takes from the handler
# to a client on the same machine. Wider ones would hold the ends of other requests.
CLIENT_CLOCK_BIN_NS = 200_000

# Requests, and pairs of a request and a call, that the clock is told from: they take 0.3 s at most.
CLIENT_CLOCK_REQUESTS = 1000
CLIENT_CLOCK_PAIRS = 10_000_000

# Of the requests that fit with the best offset, the part that must fit with another that is as
# good. One request in two hundred may lie at an edge of the window.
CLIENT_FIT_MIN_RATIO = 0.995

# Part of the requests, and of the calls, that must have a partner. With fewer the log is of other
# clients too, or not of all, and pairs are by chance.
CLIENT_MATCH_MIN_RATIO = 0.9

# Calls that are looked at for each request, and further ones. More cannot be of this server alone,
# and would take minutes.
CLIENT_CALLS_PER_REQUEST_MAX = 3
CLIENT_CALLS_MORE_MAX = 10_000

# Slow requests of a model: 1 % of its requests, as those beyond p99, but at least this many. Of
# fewer, half having a property is five requests or less, and chance.
SLOW_MIN_REQUESTS = 10

# Slow requests that take less than this many medians have no reason of their own: p99 over p50 is
# 1.2 to 1.4 where all requests wait for the same timeout or thread (sample_traces/).
SLOW_MIN_RATIO = 1.5

# A property that slow requests share must be one of at least half of them, and of at least this
# many; and they must have it at least this many times as often as the rest, since with weaker ones
# most slow requests would have been slow without it. Choices.
ASSOCIATED_MIN_SHARE = 0.5
ASSOCIATED_MIN_REQUESTS = 5
ASSOCIATED_MIN_LIFT = 1.5

# What stopped the machine once is told from this lift on, marked as a coincidence. A choice.
COINCIDENCE_MIN_LIFT = 3.0

# Part of the draws within the interval of a lift, which must lie above 1. About a dozen properties
# are tried: at 0.99 one capture in sixteen shows one by chance; at 0.95 it would be one in four.
ASSOCIATED_LEVEL = 0.99

# Blocks of neighbouring requests that are drawn as wholes: below ten, the spread between draws says
# more of the draw than of the server; above fifty, blocks of some hundred requests get shorter than
# the stretches in which requests share a batch or a queue.
TIME_BLOCKS_MIN = 10
TIME_BLOCKS_MAX = 50

# Moments in which all slow requests were open that point to one event each, and the part of the
# window that they may be.
MOMENTS_MAX = 2
MOMENTS_MAX_SHARE = 0.1

# Arrivals that follow each other within this part of the mean distance are one burst: of arrivals
# at random, one in ten does. A burst has at least this many requests, and bursts are told where
# this part of the requests is in one: at random, one request in a hundred is.
BURST_GAP_RATIO = 0.1
BURST_MIN_REQUESTS = 4
BURST_MIN_SHARE = 0.25

# A request is disturbed if the machine was stopped for more than this part of a median latency.
DISTURBED_MIN_RATIO = 0.1

# Batch sizes that are told one by one; of more, those between two powers of two are one row.
SIZES_MAX = 16

# requests, and one part of all: a few cut requests are normal; more than these, or than this part
# of all, are not. A choice.
CENSORED_FEW = 2
CENSORED_PART = 20
