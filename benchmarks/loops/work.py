"""Kinds of Python work that a loop may do, 5 to 20 ms each on one core."""

from __future__ import annotations

import functools
import io
import random
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NUMBERS = [random.random() for _ in range(40_000)]
_IMAGE = np.random.default_rng(0).integers(0, 255, (900, 900), np.uint8)


def sleeps() -> None:
    time.sleep(0.02)


def computes_in_numpy() -> None:
    wide = _IMAGE.astype(np.float64)
    np.sqrt(np.abs(wide - wide.mean()) / wide.std()).astype(np.float32)


def decodes_with_pil() -> None:
    from PIL import Image

    Image.open(io.BytesIO(_jpeg())).convert("L").resize((224, 224))


@functools.cache
def _jpeg() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(_IMAGE).save(file, "JPEG", quality=90)
    return file.getvalue()


def computes_in_python() -> None:
    total = 0
    for number in range(200_000):
        total += number


def calls_functions() -> None:
    for number in range(100_000):
        _next(number)


def _next(number: int) -> int:
    return number + 1


def holds_the_lock_in_c() -> None:
    sorted(_NUMBERS)


def writes_an_answer() -> None:
    """The rest of a loop: some milliseconds of plain Python."""
    "".join([str(number) for number in range(20_000)])


WORK: Mapping[str, Callable[[], None]] = {
    "sleeps 20 ms": sleeps,
    "NumPy": computes_in_numpy,
    "PIL decodes": decodes_with_pil,
    "plain Python arithmetic": computes_in_python,
    "100,000 Python calls": calls_functions,
    "one C call that holds the lock": holds_the_lock_in_c,
}
