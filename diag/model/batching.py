"""The parameters of a server's batching."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BatchingParameters:
    """The content of a batching_parameters_file.

    ``None`` means that the file does not set the field and the server uses its default.
    Source: tensorflow_serving/servables/tensorflow/session_bundle_config.proto
    (BatchingParameters, fields 1-9), tensorflow/serving 9d981c5c.

    Attributes:
        read_from: Where the parameters were read: the path of the file, or of the bundle's part;
            "" for parameters given as text or built in code. Comparisons ignore it.
    """

    max_batch_size: int | None = None
    batch_timeout_micros: int | None = None
    max_enqueued_batches: int | None = None
    num_batch_threads: int | None = None
    thread_pool_name: str | None = None
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool | None = None
    max_execution_batch_size: int | None = None
    read_from: str = field(default="", compare=False)
