"""Another process that keeps the GPU busy: ``python -m tests.gpu.neighbour --platform gpu``.

Prints a line when it computes; ends when stdin ends.
"""

from __future__ import annotations

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from tests.gpu.server import set_jax_platform

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = {"cpu": 256, "gpu": 4096}
PRODUCTS = 16


def main(argv: Sequence[str] | None = None) -> int:
    """Multiplies matrices until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.neighbour", description=__doc__)
    parser.add_argument("--platform", choices=("cpu", "gpu"), required=True)
    platform = parser.parse_args(argv).platform
    set_jax_platform(platform)
    import jax
    import jax.numpy as jnp

    ended = threading.Event()

    def await_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=await_end, daemon=True).start()

    @jax.jit
    def multiply(x: jax.Array) -> jax.Array:
        for _ in range(PRODUCTS):
            x = jnp.tanh(x @ x)
        return x

    x = jnp.full((WIDTH[platform],) * 2, 1e-3, jnp.float32)
    x = multiply(x).block_until_ready()
    sys.stdout.write("computing\n")
    sys.stdout.flush()
    while not ended.is_set():
        x = multiply(x).block_until_ready()
    return 0


if __name__ == "__main__":
    sys.exit(main())
