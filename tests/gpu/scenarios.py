"""The scenarios: what is served, what is asked of it, and the cause planted in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diag.demo.arrivals import Arrivals
from diag.model.gaps import IdleCause

Platform = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The model to serve; sizes that depend on the machine are in tests/gpu/model.py.

    Attributes:
        kind: What a row is: ``dense``, some floats; ``image``, a JPEG that the first op of the
            graph decodes; ``stored``, the number of a block of bytes that the server holds.
        compute_ms: What the model proper is to take for a full batch; its number of layers is
            chosen by measuring.
        eager_ops: Instead of that, so many ops that each launch thirty kernels one by one.
        image_pixels: Width and height of the JPEGs.
        block_mib: Of a stored block.
        copies_blocks: Whether blocks are copied to the device whole, or a sample of each.
    """

    kind: Literal["dense", "image", "stored"]
    compute_ms: float
    eager_ops: int = 0
    image_pixels: tuple[int, int] = (0, 0)
    block_mib: int = 0
    copies_blocks: bool = False


@dataclass(frozen=True, slots=True)
class Planted:
    """What a right analysis of a recording says.

    Attributes:
        idle: What most idle time is due to; None: there is little of it.
        verdicts: What the verdict may be; the first is the one intended.
    """

    idle: IdleCause | None
    verdicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A server, its load, and what is known to be wrong with it.

    Attributes:
        name: Of ``--scenarios``.
        story: One line for a person.
        model: What is served.
        batching: A batching_parameters_file's text.
        arrivals: When requests of one row each are sent.
        planted: What a right analysis says of it.
        gpu_only: Whether only a trace with a GPU plane can show that.
        neighbour: Whether another process computes on the same device.
    """

    name: str
    story: str
    model: ModelPlan
    batching: str
    arrivals: Arrivals
    planted: Planted
    gpu_only: bool = False
    neighbour: bool = False

    def planted_on(self, platform: Platform) -> Planted | None:
        """What there is to find on this platform; None where it cannot show it."""
        return None if self.gpu_only and platform == "cpu" else self.planted


def _batching(max_batch_size: int, timeout_micros: int, threads: int, *allowed: int) -> str:
    return "\n".join(
        (
            f"max_batch_size {{ value: {max_batch_size} }}",
            f"batch_timeout_micros {{ value: {timeout_micros} }}",
            "max_enqueued_batches { value: 100 }",
            f"num_batch_threads {{ value: {threads} }}",
            *(f"allowed_batch_sizes: {size}" for size in allowed),
            "",
        )
    )


def _closed(callers: int) -> Arrivals:
    return Arrivals("closed", concurrency=callers)


_ALL = (
    Scenario(
        name="no-demand",
        story="Ten requests a second: the device stands idle because nobody asks.",
        model=ModelPlan("dense", compute_ms=8),
        batching=_batching(8, 0, 2, 1, 2, 4, 8),
        arrivals=Arrivals("open", rate=10, seed=21),
        planted=Planted(IdleCause.NO_DEMAND, ("no-demand",)),
    ),
    Scenario(
        name="batch-timeout",
        story="Batches of at most 64 rows never fill; every one waits out its 100 ms timeout.",
        model=ModelPlan("dense", compute_ms=30),
        batching=_batching(64, 100_000, 2, 4, 64),
        arrivals=_closed(3),
        planted=Planted(IdleCause.QUEUE_FILL, ("queue-fill",)),
    ),
    Scenario(
        name="slow-preprocess",
        story="JPEGs are decoded and resized on the CPU, for longer than the model runs.",
        model=ModelPlan("image", compute_ms=3, image_pixels=(1600, 1200)),
        batching=_batching(4, 0, 2, 1, 2, 4),
        arrivals=_closed(3),
        planted=Planted(IdleCause.PREPROCESS, ("preprocess",)),
    ),
    Scenario(
        name="one-batch-thread",
        story="The only batch thread puts large inputs together; full batches stand behind it.",
        model=ModelPlan("stored", compute_ms=3, block_mib=12),
        batching=_batching(4, 0, 1, 4),
        arrivals=_closed(12),
        planted=Planted(
            IdleCause.BATCH_THREADS_IN_HOST_WORK, ("queue-thread", "batch-threads-in-host-work")
        ),
    ),
    Scenario(
        name="transfer-bound",
        story="Every request brings 128 MiB to the device for a millisecond of work on it.",
        model=ModelPlan("stored", compute_ms=1, block_mib=128, copies_blocks=True),
        batching=_batching(1, 0, 1, 1),
        arrivals=_closed(2),
        planted=Planted(IdleCause.TRANSFER, ("transfer-in", "transfer", "queue-thread")),
        gpu_only=True,
    ),
    Scenario(
        name="launch-bound",
        story="Three hundred tiny kernels a batch, each launched by itself.",
        model=ModelPlan("dense", compute_ms=0, eager_ops=10),
        batching=_batching(4, 0, 1, 1, 4),
        arrivals=_closed(1),
        planted=Planted(IdleCause.LAUNCH, ("launch",)),
        gpu_only=True,
    ),
    Scenario(
        name="other-process",
        story="Another process multiplies matrices on the GPU while this one has little to do.",
        model=ModelPlan("dense", compute_ms=8),
        batching=_batching(8, 0, 2, 1, 2, 4, 8),
        arrivals=Arrivals("open", rate=20, seed=27),
        neighbour=True,
        planted=Planted(IdleCause.NO_DEMAND, ("other-process",)),
        gpu_only=True,
    ),
    Scenario(
        name="saturated",
        story="More callers than the device can serve: it is busy nearly all the time.",
        model=ModelPlan("dense", compute_ms=15),
        batching=_batching(8, 0, 2, 8),
        arrivals=_closed(24),
        planted=Planted(None, ("saturated", "queue-thread", "device-wait")),
    ),
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
"""By name, in the order of the table."""
