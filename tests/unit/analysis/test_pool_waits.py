"""Waits for a thread of the runtime's pools, from the pools' own marks."""

from __future__ import annotations

from diag.model.availability import Unavailable
from tests.unit.analysis.traces import analyzed

MARKS = """
line batch_threads_/1
  ThreadpoolListener::Record @100us _p=1
  ThreadpoolListener::Record @200us _p=2
  ThreadpoolListener::Record @900us _p=9
line tf_Compute/1
  ThreadpoolListener::StartRegion @130us _c=1
  ThreadpoolListener::StartRegion @400us _c=8
line tf_Compute/2
  ThreadpoolListener::StartRegion @250us _c=2
line tf_numa_-1_Eigen/1
  ThreadpoolListener::Record @300us _p=3
  ThreadpoolListener::StartRegion @301us _c=3
"""


def test_a_wait_lasts_from_the_hand_over_to_the_begin() -> None:
    pools = analyzed(MARKS).pool_waits
    assert [(pool.pool, pool.wait.n, pool.wait.mean_ns) for pool in pools] == [
        ("tf_Compute", 2, 40_000),  # 30 and 50 us; begun without hand-over, or the reverse: no wait
        ("tf_numa_-1_Eigen", 1, 1_000),
    ]
    assert isinstance(pools[0].wait.p50_ns, Unavailable)


def test_a_trace_without_marks_has_no_pools() -> None:
    assert analyzed("line a\n  SessionRun 0..10us id=1 _p=1").pool_waits == ()
