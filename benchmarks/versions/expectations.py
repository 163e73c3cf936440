"""What is right for each program: whether its calls are requests, and what the trace is."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.program import ProgramKind
from diag.model.serving import Stage


@dataclass(frozen=True, slots=True)
class Expectation:
    """The right answer about one program.

    Attributes:
        program: Module in ``programs/``.
        library: Which library it needs.
        title: What it is, as the table names it.
        kinds: Right names of what it is; of a server, its calls are requests.
        wait: What its requests wait for most, as planted; None where most time is in the model.
        is_loop: Whether it is a Python loop around a model: each call is an iteration.
    """

    program: str
    library: str
    title: str
    kinds: frozenset[ProgramKind]
    wait: Stage | None = None
    is_loop: bool = False

    @property
    def has_requests(self) -> bool:
        """Whether each call is a request to a model."""
        return ProgramKind.SERVING in self.kinds


def _serving(program: str, title: str, wait: Stage | None = None) -> Expectation:
    kinds = frozenset({ProgramKind.SERVING})
    return Expectation(program, "tensorflow", title, kinds, wait)


def _other(program: str, title: str, *kinds: ProgramKind) -> Expectation:
    return Expectation(program, "tensorflow", title, frozenset(kinds))


def _loop(program: str, title: str, kind: ProgramKind, library: str = "tensorflow") -> Expectation:
    return Expectation(program, library, title, frozenset({kind}), is_loop=True)


EXPECTATIONS: tuple[Expectation, ...] = (
    _serving("session", "`Session.run`"),
    _serving("session_dataset", "`Session.run` on tf.data"),
    # One row a call and four clients never fill a batch of 8: all wait for the timeout of 5 ms.
    _serving("batch_function", "`BatchFunction` in a session", Stage.QUEUE_FILL),
    _serving("eager_batch_function", "`BatchFunction`, eager", Stage.QUEUE_FILL),
    _loop("predict", "Keras `predict`", ProgramKind.PREDICT),
    _other("fit", "Keras `fit`", ProgramKind.TRAINING, ProgramKind.KERAS),
    _other("mirrored_fit", "distributed `fit`", ProgramKind.TRAINING, ProgramKind.KERAS),
    _other("dataset", "tf.data alone", ProgramKind.INPUT_PIPELINE),
    _loop("function", "`tf.function`", ProgramKind.FUNCTIONS),
    _loop("eager", "eager ops", ProgramKind.EAGER),
    _other("empty", "nothing", ProgramKind.EMPTY),
    _loop("jax_calls", "jitted calls", ProgramKind.JAX, library="jax"),
)
