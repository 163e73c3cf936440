"""``diag.attach()``: lets ``diag capture`` record a Python program that calls it."""

from __future__ import annotations

import importlib
import os
import socket
import sys
from typing import Any

from diag.errors import UsageError

STACKS_HOST = "127.0.0.1"
_PORT_MAX = 65535
_attached: list[tuple[int, int, str]] = []
_kept: list[Any] = []  # JAX's profiler server ends when it is not referred to


def attach(
    port: int = 6009, *, stacks_port: int | None = None, stacks_host: str = STACKS_HOST
) -> None:
    """Offer this process to ``diag capture --server HOST:PORT``: its trace and its Python stacks.

    Call it once, after the import of TensorFlow (or JAX) and in the process that calls the model;
    of a server with workers in each worker, with a port of its own. Until a capture comes it costs
    an idle thread. A second call with the same ports does nothing.

    The profiler's port is TensorFlow's own: open on all interfaces, without authentication. The
    port of the stacks is open on the loopback alone. Stacks are names of files and functions, no
    values.

    Args:
        port: Port of TensorFlow's profiler server.
        stacks_port: Port of the stack sampler; None is ``port + 1``, where ``diag capture`` looks.
        stacks_host: Address that the stack sampler listens on.

    Raises:
        UsageError: A port is out of range or in use, the process is attached with other ports, or
            it has neither TensorFlow nor JAX.
    """
    from diag.inside.stack_server import StackServer

    wanted = (port, port + 1 if stacks_port is None else stacks_port, stacks_host)
    if wanted in _attached:
        return
    if _attached:
        raise UsageError(f"this process is attached to port {_attached[0][0]} already")
    for name, value in (("port", port), ("stacks_port", wanted[1])):
        if not 0 < value <= _PORT_MAX:
            raise UsageError(f"`{name}` is {value}, it must be 1 to {_PORT_MAX}", parameter=name)
    start_profiler = _profiler()
    _check_free(port)
    try:
        stacks = StackServer(stacks_host, wanted[1])
    except OSError as exc:
        raise UsageError(
            f"the stack sampler cannot listen on {stacks_host}:{wanted[1]}",
            cause=exc.strerror or str(exc),
            hint="each process needs ports of its own: diag.attach(port)",
            parameter="stacks_port",
        ) from exc
    _kept.append(start_profiler(port))
    stacks.start()
    _attached.append(wanted)


def _check_free(port: int) -> None:
    """Fail if another process listens: TensorFlow would share the port with it, or only log."""
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    try:
        socket.create_server(
            ("", port), family=family, dualstack_ipv6=family == socket.AF_INET6
        ).close()
    except OSError as exc:
        raise UsageError(
            f"port {port} is in use",
            cause=exc.strerror or str(exc),
            hint="each process needs ports of its own: diag.attach(port)",
            parameter="port",
        ) from exc


def _profiler() -> Any:
    """The function that starts the profiler server of the library that the program uses."""
    if "jax" in sys.modules and "tensorflow" not in sys.modules:
        return sys.modules["jax"].profiler.start_server
    try:
        library: Any = importlib.import_module("tensorflow")
    except ImportError as exc:
        raise UsageError("this process has no TensorFlow to record", cause=str(exc)) from exc
    return library.profiler.experimental.server.start


def _forget() -> None:
    """In a child of fork, which has no profiler server and may attach itself."""
    _attached.clear()


os.register_at_fork(after_in_child=_forget)
