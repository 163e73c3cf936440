"""Calls of a jitted JAX function, one after the other."""

import time

import jax
import jax.numpy as jnp
from recording import Calls, record

CALLS = 20


class JaxProfiler:
    """Starts and stops JAX's profiler."""

    library = f"jax {jax.__version__}"

    def start(self, folder):
        """Start recording; the trace will lie below the folder."""
        jax.profiler.start_trace(folder)

    def stop(self):
        """Stop and write the trace."""
        jax.profiler.stop_trace()


def main():
    """Record the calls, with a pause after each."""
    # The trace shall hold no path of the machine that recorded it.
    jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*/")

    @jax.jit
    def answer(rows, matrix):
        for _ in range(4):
            rows = jax.nn.relu(rows @ matrix)
        return rows

    rows, matrix = jnp.ones([16, 1024]), jnp.ones([1024, 1024]) / 1024
    answer(rows, matrix).block_until_ready()
    calls = Calls()

    def work():
        for _ in range(CALLS):
            calls.timed(0, lambda: answer(rows, matrix).block_until_ready())
            time.sleep(0.005)

    record(work, calls, JaxProfiler())


main()
