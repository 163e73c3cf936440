"""Every threshold of the rules, with its unit, its reason and its source."""

from __future__ import annotations

# ratio of executed rows. Below it padding is what rounding up to a few sizes always brings
# (sample_traces/padding: 45 %; a healthy server: none).
PADDING_MIN_RATIO = 1 / 3

# ratio of the time of batches. Padding that costs less is within the difference between two windows
# under the same load (docs/accuracy.md). Three rows of eight cost 11 % in sample_traces/padding.
PADDING_MIN_COST = 0.1

# ratio of the window. A device busier than this is at capacity: the mean wait of queueing theory
# (M/M/1), rho / (1 - rho) service times, passes 5 there.
SATURATED_MIN_RATIO = 0.85

# ratio of the window. Idle time with requests waiting below this is not what makes a server slow.
STARVED_MIN_RATIO = 0.25

# ratio of the window. What stops every request ranks before what delays some of them: a tenth of
# the window is ten times the 1 % that decides p99.
MACHINE_MIN_RATIO = 0.1

# ratio of the time sampled. Another process that keeps the GPU busy for less delays few kernels:
# with a quarter taken, a kernel waits a third longer than alone by the same rho / (1 - rho).
OTHER_PROCESS_MIN_RATIO = 0.25

# ratio of the window, and of the idle time: mostly idle, and mostly without an open request.
NO_DEMAND_MIN_IDLE_RATIO = 0.5
NO_DEMAND_MIN_SHARE = 0.7

# ratio of request time. A stage that takes less is not what requests wait for: with half of the
# time in compute, 0.3 is already more than half of what could be gained.
STAGE_MIN_SHARE = 0.3

# ratio of request time, and ns. The least that the largest of several waits must take to be worth a
# change where only all of them together are large: half of that, and more than the 0.1 ms in which
# a closure is handed over or a thread wakes (HANDOVER_MAX_NS in analysis/thresholds.py, WAKE_NS).
PART_MIN_SHARE = 0.15
PART_MIN_NS = 100_000

# ratio of request time. Most of what a request takes.
CRITICAL_MIN_SHARE = 0.5

# ratio of the window. Smaller parts of the idle time are left out of the sentence.
CAUSE_MIN_RATIO = 0.01

# ratio of requests, and requests. From 1 % on, the p99 of what clients get is an error: no time
# matters more. Fewer than 5 failures do not give their share: they come as a further finding.
FAILED_MIN_RATIO = 0.01
FAILED_MIN_REQUESTS = 5

# requests. Fewer say little about a distribution; see analysis/thresholds.py for percentiles.
FEW_REQUESTS = 30
MANY_REQUESTS = 100

# ratio of request time without an explanation in the trace; beyond it every share is in doubt.
UNATTRIBUTED_MAX_SHARE = 0.1

# ratio of the time of all batch threads. Above it, a queue in front of them grows quickly with any
# variation (the mean wait of M/M/1 passes 2 service times at 0.7), so a proposal must stay below.
THREADS_MAX_LOAD = 0.7

# ratio. What a check allows a value to grow that the change should not touch: run-to-run noise of
# the demo scenarios' means is below it (docs/accuracy.md).
CHECK_SLACK = 0.1

# ratio of the time of a row. A batch size is doubled as long as that saves more than this: less is
# within the difference between two windows under the same load (docs/accuracy.md).
DOUBLING_MIN_SAVING = 0.05

# factor on max_batch_size that one change proposes at most: farther from the recorded sizes nothing
# is known of the time of a batch. Measured on a server of 2 cores: 8 to 32 rows served 47 % more
# rows in closed loop, and 4 to 32 ended all refusals (tests/recordings/README.md).
SIZE_MAX_FACTOR = 8

# ratio of batches. From here on most batches would have taken more rows.
FULL_MIN_SHARE = 0.5

# requests open at a time, mean. With fewer, hardly any two share the cores of a full machine.
CROWDED_MIN = 2

# requests open at a time for each run that the server executes at a time. Batches then hold about
# as many, or more.
UNBATCHED_OPEN_MIN = 4

# ratio of the machine's CPU time. Above it a further thread mostly takes time from another one: of
# two cores, less than a fifth of a core is left.
CPU_FULL_RATIO = 0.9

# ratio of the CPU time in use. From here on other processes use more of a full machine than the
# server does: each of its threads gets a core for less than half of the time that it asks for one.
OTHERS_CPU_MIN_SHARE = 0.5

# requests. From here on the 1 % around p99 are at least three requests.
TAIL_MIN_REQUESTS = 200

# ratio of p99 to p50. Below it slow requests are hardly slower than the others.
TAIL_MIN_RATIO = 1.5

# ns. Time that a free batch thread takes to start a batch of which Schedule itself notifies it:
# where batch_timeout_micros is 0, or where a batch is full. Medians on two cores: 0.01 to 0.05 ms;
# 0.22 to 0.55 ms where the thread polls (tests/recordings/README.md).
WAKE_NS = 50_000

# ratio of the thread time that is held while a model waits. From here on the wait is mostly for
# another model, not for the model's own requests.
HELD_MIN_SHARE = 0.5

# polls of idle batch threads. Where batches with a free thread typically start later than this,
# the threads get no CPU.
LATE_POLLS = 2

# ratio of the time, requests, and requests in a batch (mean). The largest number of open requests
# is a limit, not chance, where it is reached half of the time or more: 55 to 76 % with clients that
# wait for answers, below 2 % with independent arrivals (tests/recordings/README.md). With one or
# two open, or a single request in each batch, regular arrivals look the same.
OPEN_LIMIT_MIN_SHARE = 0.5
OPEN_LIMIT_MIN = 3
OPEN_LIMIT_MIN_TASKS = 2

# ns. Time of a call outside the trace that is worth a change: a status call to the demo's server on
# the same machine takes 1.0 to 3.5 ms while both cores are busy, and less than 1 ms otherwise.
OUTSIDE_MIN_NS = 1_000_000

# ns. Wait of a status call that is worth a word where no client log shows the calls of clients. On
# two saturated cores the Python process that calls waits for the CPU up to some ms itself.
PROBE_WAIT_MIN_NS = 5_000_000

# ratio of the window with more calls of clients open than the server ever has requests, and ratio
# of its most requests that it has open meanwhile. Arrivals by chance stay far below both: a Poisson
# number with mean 4 has a highest value of 11 in 1,000 requests.
CROWDED_MIN_RATIO = 0.5
CROWDED_MIN_FILL = 0.8

# ratio of the time outside the trace. From half on it is the main part.
OUTSIDE_MAIN_SHARE = 0.5

# ratio of the time outside the trace. What comes after the request is then about 0.1 of it.
OUTSIDE_BEFORE_SHARE = 0.8

# variance over mean of arrivals, ns, and intervals. Independent arrivals give 1, and between 0.5
# and 1.5 in the recordings; bursts of 24 requests twice a second about 19. In ten intervals the
# index of independent arrivals passes 5 less often than once in a million recordings (chi-square
# with 9 degrees of freedom).
DISPERSION_MIN = 5.0
DISPERSION_INTERVAL_NS = 100_000_000
DISPERSION_MIN_INTERVALS = 10

# ratio. The scrapes enclose the window, so that the metrics count at least what the trace shows;
# but an answer is counted after its last event, which may be after the second scrape.
COUNTED_MIN_RATIO = 0.9

# ratio, and standard deviations of a count. The scrapes enclose the window, and failures come in
# bursts: on live servers the failed share between the scrapes was up to 1.07 times that in the
# trace.
FAILED_MAX_RATIO = 1.25
FAILED_MAX_DEVIATIONS = 2.0

# rows. The largest batch size that is proposed without a recorded batch: beyond it nothing was
# measured (tests/recordings/README.md).
FIRST_SIZE_MAX = 32

# times as many batches. A queue of two batches refused a quarter of the requests, one of a hundred
# none, under the same load of bursts (measured on a live server of 2 cores).
LONGER_QUEUE_FACTOR = 10

# ratio of the CPU time in use. Below it, more than a quarter is used by other processes.
MOSTLY_SERVER_RATIO = 0.75

# calls in an inner batch, mean. From here on the inner queue joins what the outer one did not.
INNER_CALLS_MIN = 1.5

# queues. Further ones have few of the batches; no server has as many that matter.
QUEUES_MAX = 20

# batches of a queue. Fewer say little of how it shares the time with others.
QUEUE_BATCHES_MIN = 30

# ratio of the window. With less at work, and batches that hardly wait, nothing is lost.
FRAGMENTED_MIN_BUSY = 0.5

# ratio of the samples of a GPU. Clocks that are limited for less of the time slow few kernels.
CLOCK_LIMITED_MIN_SHARE = 0.25

# ratio of device events, of the window, or of requests. With more than half of them missing, what
# is left may be the smaller part.
LOST_MAX_SHARE = 0.5

# ratio of the time in which ops are at work. Ops that compute use one core each, so that the CPU
# time of the whole server is at least as long; below half of it, their threads mostly do not run.
OFF_CPU_MAX_RATIO = 0.5

# times. Kernels of a simulated server that vary by 20 % either way have a p90 of 1.4 times p10
# (diag/testing/gpu_server); twice is what a clock at half its maximum makes of them.
UNSTABLE_MIN_RATIO = 2.0

# ratio of the time in preprocessing ops, iterations a run, and ops at work at a time (means). A
# loop of one row is none; of tf.map_fn's loops in TensorFlow 2.21 on two cores, one with
# parallel_iterations=1 has 1.0 at work, and one with 10 has 2.5 (tests/recordings/README.md).
LOOP_MIN_SHARE = 0.5
LOOP_MIN_ITERATIONS = 2.0
LOOP_MAX_AT_ONCE = 1.25

# runs, and ratio. Fewer runs give no mean; and where time grows by less than four fifths of what
# there is more at once, running more at once serves notably more. One caller 12 ms, two 20, four 40
# (tensorflow/serving issue 1272) are 0.83 each.
CROWD_MIN_RUNS = 10
CROWD_MIN_GROWTH = 0.8

# ratio of runs at once. Closer to each other, the times of two groups of runs differ by chance.
CROWD_MIN_RATIO = 1.5

# bytes of outputs a request. Fewer are copied in microseconds, so that their number is not what
# takes time.
OUTPUT_MIN_BYTES = 64 * 1024

# requests in one setting's simulated runs, and requests of a recording. With 40,000 an analysis of
# tests/recordings/live/b_onethread took 2.1 s more than without simulation, on two cores.
SIMULATED_RUN_REQUESTS = 30_000
SIMULATED_REQUESTS_MAX = 15_000

# ratio of the mean latency. The range of a simulated gain is that much wider at both ends: of the
# pairs of recordings in docs/accuracy.md, the simulated mean was off by 9 % at the median.
SIMULATION_ERROR = 0.1

# ratio of today's value. A simulated change below it is no gain: a restart costs more.
SIMULATED_MIN_GAIN = 0.02

# ratio of the refused requests. Refusals come in bursts: between two runs of the same load their
# number differed by up to a quarter (tests/recordings/README.md, docs/accuracy.md).
SIMULATED_REFUSED_ERROR = 0.25

# calls of a map function at a time. tf.data needs a thread of its pool for each Python function
# that waits; more than this is not proposed at once.
PARALLEL_CALLS_MAX = 16

# ratio of an iteration. A loop that waits less for its input has a pipeline that keeps up: a full
# buffer gave at most 2 % (TensorFlow 2.21, two cores).
PIPELINE_HEALTHY_MAX_WAIT = 0.05

# ratio of the calls of next(). A pipeline that was ahead had nothing ready in 1 of 54 calls, one
# that fell behind in 81 of 90 (TensorFlow 2.21, two cores).
PIPELINE_HEALTHY_MAX_EMPTY = 0.1

# ratio of the window. With less in calls of the model, a device is idle most of the time.
MODEL_IDLE_MAX_BUSY = 0.5

# CPU time over time. From here on a function computes rather than waits: sleeping gave 0.01,
# pure Python 0.87, decoding with PIL 0.68 (two shared cores).
COMPUTES_MIN_RATIO = 0.6

# cores in use by Python functions that run at a time. Python's lock lets one of them run: their
# CPU time together stays near one core. Two that add up numbers used 0.70 cores beside a loop that
# calls a model, on two cores that other programs used as well (TensorFlow 2.21).
GIL_MIN_CORES = 0.6
GIL_MAX_CORES = 1.15

# functions in flight, mean. From here on, two would use more than one core without the lock.
GIL_MIN_IN_FLIGHT = 1.5

# ratio of calls of tf.functions, and calls. A function that is retraced that often is called with
# what changes each time.
RETRACED_MIN_RATIO = 0.1
RETRACED_MIN_CALLS = 3

# ns. A map function that takes less and runs no op may be a constant: 6 to 7 us were measured.
CONSTANT_MAX_NS = 20_000

# ratio of an iteration. Less of the eager ops' own Python is not worth a tf.function.
EAGER_MIN_SHARE = 0.15

# ratio of the threads of tf.data's pool. From here on Python functions hold all of them.
POOL_FULL_RATIO = 0.8

# ratio of a slow first run: where later runs of the same size take as much of it, the op is always
# slow. A cold start takes many times as long (COLD_RUN_RATIO of the analysis: ten times).
AS_SLOW_RATIO = 0.5

# ratio of the window, 0 to 1: less idle time would be written as 0%.
IDLE_TOLD_MIN_RATIO = 0.005

# requests in a batch, mean. Up to here four runs of five or more hold a single request. Callers
# that wait for answers sometimes end and begin together: three of them had 1.13 (diag demo,
# unshared-batches).
INEFFECTIVE_MAX_REQUESTS = 1.2

# requests open at once, mean. With fewer there is rarely a second request to share a batch with.
INEFFECTIVE_OPEN_MIN = 2.0

# ratio of the window. A device that is idle half of the time or more gains nothing from fewer runs.
INEFFECTIVE_MIN_BUSY = 0.5

# batches. Fewer say little about a mean.
INEFFECTIVE_BATCHES_MIN = 30
