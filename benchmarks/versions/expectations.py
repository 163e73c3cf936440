"""What is right for each program: whether its calls are requests, and what the trace is."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.serving import Stage


@dataclass(frozen=True, slots=True)
class Expectation:
    """The right answer about one program.

    Attributes:
        program: Module in ``programs/``.
        library: Which library it needs.
        title: What it is, as the table names it.
        stage: Where its calls spend most time, as planted; None if they are no requests.
    """

    program: str
    library: str
    title: str
    stage: Stage | None = None

    @property
    def has_requests(self) -> bool:
        """Whether each call is a request to a model."""
        return self.stage is not None


def _tensorflow(program: str, title: str, stage: Stage | None = None) -> Expectation:
    return Expectation(program, "tensorflow", title, stage)


EXPECTATIONS: tuple[Expectation, ...] = (
    _tensorflow("session", "`Session.run`", Stage.COMPUTE),
    _tensorflow("session_dataset", "`Session.run` on tf.data", Stage.COMPUTE),
    # One row a call and four clients never fill a batch of 8: all wait for the timeout of 5 ms.
    _tensorflow("batch_function", "`BatchFunction` in a session", Stage.QUEUE_FILL),
    _tensorflow("eager_batch_function", "`BatchFunction`, eager", Stage.QUEUE_FILL),
    _tensorflow("predict", "Keras `predict`"),
    _tensorflow("fit", "Keras `fit`"),
    _tensorflow("mirrored_fit", "distributed `fit`"),
    _tensorflow("dataset", "tf.data alone"),
    _tensorflow("eager", "eager ops"),
    _tensorflow("empty", "nothing"),
    Expectation("jax_calls", "jax", "jitted calls"),
)
