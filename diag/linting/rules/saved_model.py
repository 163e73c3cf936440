"""Versions of models: warm-up requests and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.linting.problem import Advice, model_advice, problem
from diag.linting.reading import PER_MODEL_FILE
from diag.model.finding import RemedyPlace, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.linting.deployment import Deployment, Server
    from diag.linting.documents import SavedModel
    from diag.linting.problem import Problem

IDS = (
    "warmup-missing",
    "warmup-misses-batch-sizes",
    "model-exceeds-memory",
)


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about a version's files besides its graph."""
    for saved in deployment.saved_models():
        server = deployment.server_of_model(saved)
        batched = server is not None and server.batches(saved)
        yield from _warmup(saved, server, batched=batched)
        yield from _memory(saved, server)


def _warmup(saved: SavedModel, server: Server | None, *, batched: bool) -> Iterator[Problem]:
    if server is not None and not server.command.is_on("enable_model_warmup", default=True):
        return
    rows = saved.warmup_rows
    if rows is None or not rows:
        yield problem(
            "warmup-missing",
            Severity.INFO,
            saved.place,
            "The version has no warm-up requests: the first requests after each load take what "
            "the first run of every shape costs.",
            model_advice(
                "Write assets.extra/tf_serving_warmup_requests, a TFRecord file of PredictionLog "
                "messages, with one request for each batch size that occurs."
            ),
        )
        return
    if not batched or server is None:
        return
    own = saved.folder / PER_MODEL_FILE
    parameters = server.parameters
    if saved.per_model_batching and own.is_file():
        parameters = None  # its own file decides; it is not looked up here
    sizes = parameters.allowed_batch_sizes if parameters else ()
    missing = [size for size in sizes if size not in rows]
    if missing:
        yield problem(
            "warmup-misses-batch-sizes",
            Severity.INFO,
            saved.place,
            f"No warm-up request has {', '.join(map(str, missing))} rows, which "
            "allowed_batch_sizes makes of batches: the first batch of that size pays for its "
            "first run.",
            model_advice("Add a warm-up request of each allowed batch size."),
        )


def _memory(saved: SavedModel, server: Server | None) -> Iterator[Problem]:
    limit = server.memory_bytes if server is not None else None
    if limit is not None and saved.bytes_on_disk > limit:
        yield problem(
            "model-exceeds-memory",
            Severity.CRITICAL,
            saved.place,
            f"The model's files take {saved.bytes_on_disk / 1e9:.1f} GB, and the memory limit is "
            f"{limit / 1e9:.1f} GB: the server is killed while it loads, or when a second version "
            "does.",
            Advice("Raise the limit to more than twice the files' size.", RemedyPlace.CONTAINER),
        )
