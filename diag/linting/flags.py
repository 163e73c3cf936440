"""Flags of tensorflow_model_server, and how it reads its command line.

Source: tensorflow_serving/model_servers/{main.cc,server.h,server.cc} (tensorflow/serving 9d981c5c),
tensorflow/core/util/command_line_flags.cc (TensorFlow 2.21).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.formats.config.place import Place
    from diag.formats.config.shell_words import Word

BOOL, INT32, INT64, FLOAT, TEXT = "bool", "int32", "int64", "float", "text"
# Name and type of every flag.
FLAGS: dict[str, str] = {
    "port": INT32,
    "grpc_socket_path": TEXT,
    "rest_api_port": INT32,
    "rest_api_num_threads": INT32,
    "rest_api_timeout_in_ms": INT32,
    "rest_api_enable_cors_support": BOOL,
    "enable_batching": BOOL,
    "allow_version_labels_for_unavailable_models": BOOL,
    "batching_parameters_file": TEXT,
    "enable_per_model_batching_parameters": BOOL,
    "model_config_file": TEXT,
    "model_config_file_poll_wait_seconds": INT32,
    "model_name": TEXT,
    "model_base_path": TEXT,
    "num_load_threads": INT32,
    "num_unload_threads": INT32,
    "max_num_load_retries": INT32,
    "load_retry_interval_micros": INT64,
    "file_system_poll_wait_seconds": INT32,
    "flush_filesystem_caches": BOOL,
    "tensorflow_session_parallelism": INT64,
    "tensorflow_session_config_file": TEXT,
    "tensorflow_intra_op_parallelism": INT64,
    "tensorflow_inter_op_parallelism": INT64,
    "use_alts_credentials": BOOL,
    "ssl_config_file": TEXT,
    "platform_config_file": TEXT,
    "per_process_gpu_memory_fraction": FLOAT,
    "saved_model_tags": TEXT,
    "grpc_channel_arguments": TEXT,
    "grpc_max_threads": INT32,
    "enable_model_warmup": BOOL,
    "num_request_iterations_for_warmup": INT32,
    "version": BOOL,
    "monitoring_config_file": TEXT,
    "remove_unused_fields_from_bundle_metagraph": BOOL,
    "prefer_tflite_model": BOOL,
    "num_tflite_pools": INT32,
    "num_tflite_interpreters_per_pool": INT32,
    "enable_signature_method_name_check": BOOL,
    "xla_cpu_compilation_enabled": BOOL,
    "xla_gpu_compilation_enabled": BOOL,
    "enable_profiler": BOOL,
    "thread_pool_factory_config_file": TEXT,
    "mixed_precision": TEXT,
    "skip_initialize_tpu": BOOL,
    "enable_grpc_healthcheck_service": BOOL,
    "enable_serialization_as_tensor_content": BOOL,
}
# server.cc reads these only where no platform_config_file is given.
IGNORED_WITH_PLATFORM_CONFIG = (
    "enable_batching",
    "batching_parameters_file",
    "enable_per_model_batching_parameters",
    "tensorflow_session_parallelism",
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
    "tensorflow_session_config_file",
    "per_process_gpu_memory_fraction",
    "saved_model_tags",
    "enable_model_warmup",
    "num_request_iterations_for_warmup",
    "remove_unused_fields_from_bundle_metagraph",
    "prefer_tflite_model",
    "num_tflite_pools",
    "num_tflite_interpreters_per_pool",
    "mixed_precision",
)
DEFAULT_GRPC_PORT = 8500
THREADS_PER_CPU = 4  # grpc_max_threads and rest_api_num_threads (server.h)
INT32_MAX = (1 << 31) - 1
# Anything that a shell, Kubernetes or a template puts in later: its value is not known here.
_VARIABLE = re.compile(r"\$[\w({@*]|\{\{")


@dataclass(frozen=True, slots=True)
class FlagUse:
    """A flag as it stands on a command line.

    Attributes:
        name: Without dashes.
        value: After the equals sign; None without one.
        place: Of the word.
        value_place: Of the value; of the word without one.
        is_implied: Whether the image's entrypoint adds it.
    """

    name: str
    value: str | None
    place: Place
    value_place: Place
    is_implied: bool = False

    @property
    def is_variable(self) -> bool:
        """Whether the value is put in later, by a shell or a template."""
        return self.value is not None and bool(_VARIABLE.search(self.value))


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the server makes of its words.

    Attributes:
        flags: In order; the last of a name counts.
        strays: Words that are no flag: the server ignores them.
        dropped: Words after a bare ``--``: the server does not look at them.
    """

    flags: tuple[FlagUse, ...]
    strays: tuple[Word, ...] = ()
    dropped: tuple[Word, ...] = ()


def read_arguments(words: Sequence[Word]) -> Arguments:
    """Split the words after the program's name as the server does."""
    flags: list[FlagUse] = []
    strays: list[Word] = []
    for number, word in enumerate(words):
        if word.text == "--":
            return Arguments(tuple(flags), tuple(strays), tuple(words[number + 1 :]))
        if word.text.startswith("--"):
            name, equals, value = word.text[2:].partition("=")
            moved = word.place.moved(1, len(name) + 4) if equals else word.place
            flags.append(FlagUse(name, value if equals else None, word.place, moved))
        elif not _VARIABLE.match(word.text):
            strays.append(word)
    return Arguments(tuple(flags), tuple(strays))


def refusal(use: FlagUse) -> str:
    """Why the server ends over the value of a known flag, in half a sentence; "" if it does not.

    Without an equals sign only a bool is read; the server takes others for unknown words.
    """
    kind = FLAGS[use.name]
    if use.value is None or use.is_variable:
        return ""
    if kind == BOOL and use.value not in ("true", "false"):
        return "takes true or false in lower case, or nothing"
    if kind in (INT32, INT64):
        limit = INT32_MAX if kind == INT32 else (1 << 63) - 1
        if not re.fullmatch(r"\s*[-+]?\d{1,19}\s*", use.value) or abs(int(use.value)) > limit:
            return "takes a whole number"
    if kind == FLOAT and not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", use.value):
        return "takes a number"
    return ""
