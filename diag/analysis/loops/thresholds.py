"""Thresholds of the analysis of Python loops, each with unit, reason and source."""

from __future__ import annotations

# iterations of one thread. Fewer show no period: two equal sequences may be chance.
ITERATIONS_MIN = 3

# eager ops of one period. A convolutional network run op by op has 23, predict 18; large models
# run op by op have some hundred.
PERIOD_MAX = 512

# ratio of eager ops equal to the one a period before. Retraced calls and rare branches differ; of
# 70 recordings of 35 loops, 69 had the right period with it (TensorFlow 2.21, levels 1 and 2).
REGULAR_MIN_RATIO = 0.9

# ns. Longest blank between two ops of a model call that counts as the call's own Python. Keras
# needs 0.25 to 0.65 ms before its first op (TensorFlow 2.21, Keras 3.15, two cores).
DISPATCH_MAX_NS = 1_000_000

# ratio. A gap before a model call is at least so many times those within it, or equal layers are
# calls of their own. Four layers of TensorFlow 2.13 have 0.03 ms between them, and 5 ms before
# (benchmarks/versions/programs/eager.py).
CALL_GAP = 5

# ratio of the ops that a period does not explain. A longer one that leaves no more of them is that
# of the loop, and the shorter one that of equal layers: 5 ops of a layer left 6 % of 102, the whole
# call of 20 layers and the op before it nothing (TensorFlow 2.21, Keras 3.15).
UNEXPLAINED_MAX_RATIO = 0.25

# layers. Equal ones in a row that are looked for in a model; language models have up to 100.
LAYERS_MAX = 128

# ns. A shorter blank between two calls of TensorFlow hardly ever has a sample: the sampler gets
# Python's lock when a thread enters the next call, or after the switch interval, which is as long
# (diag/inside/sampler.py). next() takes 0.03 to 0.06 ms before its event (TensorFlow 2.21).
SAMPLED_MIN_NS = 100_000

# ns. A call of next() that waits longer found the buffer empty; with a full one, waits have a mean
# of 1 to 34 us (TensorFlow 2.21, two cores).
EMPTY_MIN_NS = 50_000

# ratio of samples in TensorFlow's own events of a thread. A frame on as many stacks is the loop
# itself, and not what an iteration calls.
LOOP_FRAME_MIN_RATIO = 0.9

# samples of that kind. With fewer, chance decides which frames are on all of them.
LOOP_FRAME_MIN_SAMPLES = 4

# ratio of the waiting time. A stage whose functions run for less of it does not decide.
CRITICAL_MIN_SHARE = 0.1

# ratio of the window. A program that waits less for its input does not wait for a certain stage.
WAITING_MIN_RATIO = 0.02

# iterations. Fewer say little about a mean.
FEW_ITERATIONS = 20

# CPU time over time. Below it, a thread waits: sleeping gave 0.01 to 0.04, decoding with PIL 0.68,
# pure Python 0.87 (TensorFlow 2.21, two shared cores).
WAITS_MAX_CPU_RATIO = 0.2
