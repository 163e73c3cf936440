"""The threads of TensorFlow's inter-op pool, which execute the ops of all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

# The name of the pool's threads (direct_session.cc, TensorFlow 2.21; sample_traces/).
INTER_OP_POOL = "tf_Compute"


def inter_op_threads(analysis: Analysis) -> int:
    """Threads of the pool that have events: the pool has at least as many."""
    lines = analysis.host.lines
    return sum(line.name.partition("/")[0] == INTER_OP_POOL for line in lines)
