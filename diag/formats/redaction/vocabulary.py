"""What may stay: names that TensorFlow, CUDA, TensorFlow Serving or diag have themselves.

A name that is missing here becomes a pseudonym, which costs a reader a word and leaks nothing. A
name that the analysis looks for must be here; ``tests/unit/formats/redaction`` compares analyses.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import TYPE_CHECKING, Final

from diag.formats.text import serving_metrics
from diag.formats.trace import event_names

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER: Final = "diag.formats.redaction"
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# A name of letters and digits alone ("k8s", "x1") is no name of a kernel.
_LETTERS_MIN: Final = 3
# Metrics that the analysis reads (analysis/batching/told.py, analysis/samples/*.py).
_GAUGES: Final = (
    "batch_timeout_micros",
    "max_batch_size",
    "max_enqueued_batches",
    "num_batch_threads",
    "max_execution_batch_size",
)
METRICS: Final = frozenset(
    {
        serving_metrics.REQUEST_COUNT,
        serving_metrics.REQUEST_LATENCY,
        serving_metrics.RUNTIME_LATENCY,
        serving_metrics.INPUT_BYTES,
        serving_metrics.OUTPUT_BYTES,
        ":tensorflow:cc:saved_model:load_attempt_count",
        *(f":tensorflow:serving:batching:{gauge}" for gauge in _GAUGES),
    }
)
_CACHE: Final = 100_000  # identifiers of one source
_VERSION: Final = re.compile(r"V\d\Z")
# Models of GPUs and TPUs, and sizes of their memory.
_HARDWARE: Final = re.compile(
    r"A(?:2|10G?|16|30|40|100|800)|G?B[12]00|G?H(?:20|100|200|800)|L(?:4|20|40S?)|T4|V100|P(?:4|40|100)"
    r"|K80|M60|MI\d{3}[AX]?|v[2-6][ep]?|\d{2,3}GB"
)


@functools.lru_cache(_CACHE)
def is_public(name: str) -> bool:
    """Whether an identifier of a trace may stay: a known name, or one of known parts alone."""
    return is_known_name(name) or _is_made_of(name, _parts())


def is_known_name(name: str) -> bool:
    """Whether the whole identifier is a known name, which it stays even if a model is called so.

    The class of a kernel is the op with ``Op`` at its end, an iterator is a dataset without that
    word, and has events with ``Produce`` and ``Consume``: ``MapDatasetOp``, ``Map``,
    ``MapProduce``.
    """
    known = _whole()
    if name in known or name.removesuffix("Op") in known:
        return True
    name = name.removesuffix("Produce").removesuffix("Consume")
    if name in known:
        return True
    version = _VERSION.search(name)
    base, number = (name[: version.start()], version[0]) if version else (name, "")
    return f"{base}Dataset{number}" in known


@functools.lru_cache(_CACHE)
def is_message_word(word: str) -> bool:
    """Whether a word of a message may stay: also plain words of diag's and of tracers' messages."""
    return is_public(word) or _is_made_of(word, _message_words())


def _is_made_of(name: str, words: frozenset[str]) -> bool:
    if not name.isascii():
        return False
    parts = [part.lower() for part in _WORD.findall(name)]
    letters = [part for part in parts if not part.isdigit()]
    short = _words("short_parts.txt")
    return (
        any(len(part) >= _LETTERS_MIN or part in words for part in letters)
        and all(part in words or part in short for part in letters)
    ) or _HARDWARE.fullmatch(name) is not None


@functools.cache
def _whole() -> frozenset[str]:
    return _words("names.txt") | _words("op_types.txt") | frozenset(_event_names())


@functools.cache
def _parts() -> frozenset[str]:
    return _words("parts.txt")


@functools.cache
def _message_words() -> frozenset[str]:
    return _parts() | _words("words.txt")


def _event_names() -> Iterator[str]:
    """The identifiers in all names that the analysis uses."""
    for value in vars(event_names).values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str):
                yield from re.findall(r"\w+", text)


@functools.cache
def _words(file: str) -> frozenset[str]:
    """The words of a file of this package, without comments."""
    lines = resources.files(_FOLDER).joinpath(file).read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
