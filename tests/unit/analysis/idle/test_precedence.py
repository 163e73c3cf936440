"""Two causes at once: the one that comes first in the documented order decides (us)."""

from __future__ import annotations

import pytest

from diag.model.capture import BatchingParameters
from tests.unit.analysis.idle.tables import END, HOST, KERNEL, gpu, row_at, step
from tests.unit.analysis.traces import QUEUE_A, analyzed

NOW = BatchingParameters(max_batch_size=1, batch_timeout_micros=0, num_batch_threads=1)

# States at 5000, each of a request or batch of its own; the ids of the host events tell them apart.
STATES = {
    "profiler": ("", "line CUPTI overhead\n  RESOURCE 4900..5100us\n"),
    "allocator": (step(1, "cuMemAlloc_v2 4000..6000us", begin=3000, end=7000), ""),
    "cold-start": (step(2, "cuModuleLoadData 4000..6000us", begin=3000, end=7000), ""),
    "transfer": (step(3, "cuMemcpyHtoDAsync_v2 4000..6000us", begin=3000, end=7000), ""),
    "launch": (
        step(
            4,
            "k 3500..3510us correlation_id=41",
            "k 6500..6510us correlation_id=42",
            begin=3000,
            end=7000,
        ),
        f"  k 3600..3700us correlation_id=41 {KERNEL}\n  k 6600..6700us correlation_id=42 k=1\n",
    ),
    "preprocess": (
        step(
            5, "d:DecodeJpeg 4000..6000us", "k 6500..6510us correlation_id=51", begin=3000, end=7000
        ),
        f"  k 6600..6700us correlation_id=51 {KERNEL}\n",
    ),
    "model-load": (
        # A request waits meanwhile: without one a load holds nothing up.
        f"""{step(6, "save/RestoreV2:RestoreV2 4000..6000us", begin=3000, end=7000)}
line grpc-10
  SessionRun 3000..7000us id=10 _p=10
line tf_Compute/10
  ExecutorState::Process 6000..6900us id=10 _c=10
    k 6500..6510us correlation_id=101
""",
        f"  k 6600..6700us correlation_id=101 {KERNEL}\n",
    ),
    "queue-executor": (
        """
line grpc-7
  SessionRun 3000..7000us id=7 _p=7
line tf_Compute/7
  ExecutorState::Process 6000..6900us id=7 _c=7
    k 6500..6510us correlation_id=71
""",
        f"  k 6600..6700us correlation_id=71 {KERNEL}\n",
    ),
    "batch-threads-in-host-work": (
        f"""
line grpc-8
  BatchingSessionRun 3000..7000us
    ScheduleOutputTask 3010..3012us size=1 _p={QUEUE_A + 8}
line b/8
  ProcessBatch 3100..6990us batch_size_before_padding=1 _c={QUEUE_A + 8}
    MergeInputTensors 3150..6500us batch_size_after_padding=1
    SessionRun 6500..6980us id=8 _p=8
      k 6550..6560us correlation_id=81
""",
        f"  k 6600..6700us correlation_id=81 {KERNEL}\n",
    ),
    "sync-or-output": (
        step(9, "k 3500..3510us correlation_id=91", begin=3000, end=7000),
        f"  k 3600..3700us correlation_id=91 {KERNEL}\n",
    ),
}
NAMES = list(STATES)


@pytest.mark.parametrize(
    ("first", "second"),
    [(first, second) for i, first in enumerate(NAMES) for second in NAMES[i + 1 :]],
)
def test_the_cause_that_comes_first_decides(first: str, second: str) -> None:
    host = "".join(STATES[name][0] for name in (first, second))
    streams = [STATES[name][1] for name in (first, second)]
    records = "".join(text for text in streams if text.startswith("line"))
    events = "".join(text for text in streams if not text.startswith("line"))
    # Records before and after, so that the tracer is known to have run.
    around = f"k 100..200us {KERNEL}"
    text = f"{HOST}{host}{END}{gpu(around)}{events}  k 19000..19100us {KERNEL}\n{records}"
    row = row_at(analyzed(text, NOW), 5000)
    assert row[2] == first
    # The runner-up. A driver call lies in a burst, which is a cause too; during a load a request
    # waits for a thread.
    assert row[4] in (second, "queue-executor" if first == "model-load" else "preprocess")


def test_a_batch_that_fills_yields_to_all_that_are_further() -> None:
    filling = f"""
line grpc-5
  ScheduleOutputTask 3000..3001us size=1 _p={QUEUE_A + 5}
"""
    slow = BatchingParameters(max_batch_size=9, batch_timeout_micros=9000, num_batch_threads=1)
    host, events = STATES["preprocess"]
    text = f"{HOST}{filling}{host}{END}{gpu(f'k 100..200us {KERNEL}')}{events}"
    row = row_at(analyzed(text, slow), 5000)
    assert row[2:5] == ("preprocess", "high", "queue-fill")
    alone = f"{HOST}{filling}{END}{gpu(f'k 100..200us {KERNEL}')}"
    # No launch tells how well the clocks match.
    assert row_at(analyzed(alone, slow), 5000)[2:5] == ("queue-fill", "medium", "")
