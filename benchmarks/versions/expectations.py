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
        has_requests: Whether each call is a request to a model.
        wait: What its requests wait for most, as planted; None where most time is in the model.
    """

    program: str
    library: str
    title: str
    has_requests: bool = False
    wait: Stage | None = None


def _serving(program: str, title: str, wait: Stage | None = None) -> Expectation:
    return Expectation(program, "tensorflow", title, has_requests=True, wait=wait)


def _other(program: str, title: str, library: str = "tensorflow") -> Expectation:
    return Expectation(program, library, title)


EXPECTATIONS: tuple[Expectation, ...] = (
    _serving("session", "`Session.run`"),
    _serving("session_dataset", "`Session.run` on tf.data"),
    # One row a call and four clients never fill a batch of 8: all wait for the timeout of 5 ms.
    _serving("batch_function", "`BatchFunction` in a session", Stage.QUEUE_FILL),
    _serving("eager_batch_function", "`BatchFunction`, eager", Stage.QUEUE_FILL),
    _other("predict", "Keras `predict`"),
    _other("fit", "Keras `fit`"),
    _other("mirrored_fit", "distributed `fit`"),
    _other("dataset", "tf.data alone"),
    _other("function", "`tf.function`"),
    _other("eager", "eager ops"),
    _other("empty", "nothing"),
    _other("jax_calls", "jitted calls", "jax"),
)
