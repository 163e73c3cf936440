"""What kind of program a trace was recorded in."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ProgramKind(enum.Enum):
    """Kinds of programs that diag tells apart by the names of events."""

    SERVING = "serving"  # TensorFlow Serving, or a program that runs its requests as it does
    TRAINING = "training"
    PREDICT = "predict"  # Keras Model.predict
    KERAS = "keras"  # Keras fit or evaluate, where no gradient shows which
    FUNCTIONS = "functions"  # Python calls functions made by tf.function
    INPUT_PIPELINE = "input-pipeline"  # tf.data
    EAGER = "eager"  # Python runs op by op
    JAX = "jax"
    PYTORCH_XLA = "pytorch-xla"
    XLA = "xla"  # XLA's PJRT runtime, by JAX, PyTorch/XLA or another
    UNKNOWN = "unknown"  # events, but none that tells
    EMPTY = "empty"  # no event


# As a sentence calls them.
PROGRAM_NAMES = {
    ProgramKind.SERVING: "a model server",
    ProgramKind.TRAINING: "a TensorFlow training loop",
    ProgramKind.PREDICT: "a Python program that calls Keras' predict",
    ProgramKind.KERAS: "a Keras fit or evaluate loop",
    ProgramKind.FUNCTIONS: "a Python program that calls TensorFlow functions",
    ProgramKind.INPUT_PIPELINE: "a Python program that reads a tf.data pipeline",
    ProgramKind.EAGER: "a Python program that runs TensorFlow ops one by one",
    ProgramKind.JAX: "a JAX program",
    ProgramKind.PYTORCH_XLA: "a PyTorch/XLA program",
    ProgramKind.XLA: "a program on XLA, such as JAX or PyTorch/XLA",
    ProgramKind.UNKNOWN: "an unknown program",
    ProgramKind.EMPTY: "an unknown program",
}
_TOLD_BY_REQUESTS = frozenset({ProgramKind.SERVING, ProgramKind.UNKNOWN, ProgramKind.EMPTY})
# Programs in which a repeated call of a model may serve requests. Training repeats its steps, too,
# and serves none.
_CALLS_A_MODEL = frozenset(
    {
        ProgramKind.FUNCTIONS,
        ProgramKind.EAGER,
        ProgramKind.PREDICT,
        ProgramKind.INPUT_PIPELINE,
        ProgramKind.JAX,
    }
)


@dataclass(frozen=True, slots=True)
class Program:
    """The kind of a program, and the events that show it.

    Attributes:
        kind: The kind.
        evidence: Name or begin of name of events, and their number; most frequent first, few. Of an
            unknown program, the work on a server's threads that is of no request.
    """

    kind: ProgramKind
    evidence: tuple[tuple[str, int], ...] = ()

    @property
    def may_serve(self) -> bool:
        """Whether what is said of servers and their requests can apply."""
        return self.kind in (ProgramKind.SERVING, ProgramKind.UNKNOWN)

    @property
    def is_foreign(self) -> bool:
        """Whether it is known to be no server: its trace holds no request to look for."""
        return self.kind not in _TOLD_BY_REQUESTS

    @property
    def may_loop(self) -> bool:
        """Whether it is a Python program that may call a model again and again to serve."""
        return self.kind in _CALLS_A_MODEL
