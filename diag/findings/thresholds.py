"""Every number the verdict turns on, with its unit, its reason and its source."""

from __future__ import annotations

# ratio of executed rows. From here padding costs more than it can save: a third of every batch's
# compute is for rows nobody asked for (sample_traces/padding has 45 %, a healthy server none).
PADDING_MIN_RATIO = 1 / 3

# ratio of the window. A device busier than this has no slack left for a burst: queueing theory's
# waiting time, rho / (1 - rho) services, passes 5 there.
SATURATED_MIN_RATIO = 0.85

# ratio of the window. Idle time with requests waiting below this is not what makes a server slow.
STARVED_MIN_RATIO = 0.25

# ratio of the window. What stops every request is worth the first word sooner than what delays
# some: a tenth of the time is ten times what p99 stands for.
MACHINE_MIN_RATIO = 0.1

# ratio of the time sampled. Another process that keeps the GPU busy for less delays few kernels:
# with a quarter taken, a kernel waits a third longer than alone by the same rho / (1 - rho).
OTHER_PROCESS_MIN_RATIO = 0.25

# ratio of the window, and of the idle time: mostly idle, and mostly since nobody asks.
NO_DEMAND_MIN_IDLE_RATIO = 0.5
NO_DEMAND_MIN_SHARE = 0.7

# ratio of request time. A stage that takes less is not what requests wait for, however the rest is
# spread: with half of the time in compute, an eighth is a quarter of what could be gained.
STAGE_MIN_SHARE = 0.3

# ratio of the window. Smaller parts of the idle time are not worth a word in the sentence.
CAUSE_MIN_RATIO = 0.01

# requests. Fewer say little about a distribution; see analysis/thresholds.py for percentiles.
FEW_REQUESTS = 30
MANY_REQUESTS = 100

# ratio of request time that no evidence explains; beyond it every share is doubtful.
UNATTRIBUTED_MAX_SHARE = 0.1

# ratio of request time. A smaller stage says nothing about what holds requests up, so it is not
# listed as evidence unless it is the cause.
EVIDENCE_MIN_SHARE = 0.05
