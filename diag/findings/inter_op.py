"""The threads of TensorFlow's inter-op pool, which execute the ops of all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.cpu import if_free_cores
from diag.model.availability import Unavailable
from diag.model.finding import Remedy, RemedyKind, RemedyPlace, Setting

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

# The name of the pool's threads (direct_session.cc, TensorFlow 2.21; sample_traces/).
INTER_OP_POOL = "tf_Compute"
# Source: model_servers/main.cc of tensorflow/serving 9d981c5c.
INTER_OP_FLAG = "--tensorflow_inter_op_parallelism"


def inter_op_threads(analysis: Analysis) -> int:
    """Threads of the pool that have events: the pool has at least as many."""
    lines = analysis.host.lines
    return sum(line.name.partition("/")[0] == INTER_OP_POOL for line in lines)


def more_inter_op_threads(analysis: Analysis) -> Remedy:
    """Twice as many threads as were seen."""
    threads = inter_op_threads(analysis)
    seen = f" to {2 * threads} (threads seen: {threads})" if threads else ""
    return Remedy(
        RemedyKind.FLAG,
        RemedyPlace.SERVER_FLAG,
        f"Raise {INTER_OP_FLAG}{seen}{if_free_cores(analysis)}.",
        Setting(
            INTER_OP_FLAG,
            threads or Unavailable("no thread of the pool was recorded"),
            2 * threads or Unavailable("today's number of threads is not known"),
            origin="estimated" if threads else "",
        ),
        "With all cores busy, more threads make every op slower.",
    )
