"""The server's process: ``python -m diag.demo.serve --scenario healthy``.

It prints one line of JSON to stdout when it accepts requests: its addresses and the files with
messages for the load generator. It ends on SIGTERM, on SIGINT, or at the end of stdin with
``--stop-with-stdin``, and then writes the truth.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from diag.demo.batching import BatchFunctionAttributes, attributes_from_parameters
from diag.demo.scenario import Scenario, without_preprocessing
from diag.demo.scenarios import SCENARIOS
from diag.errors import DiagError, UsageError
from diag.formats.text.batching_parameters import (
    parse_batching_parameters,
    read_batching_parameters,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the server's command line."""
    parser = argparse.ArgumentParser(prog="python -m diag.demo.serve", description=__doc__)
    add = parser.add_argument
    add("--scenario", choices=sorted(SCENARIOS), default="healthy")
    add("--host", default="127.0.0.1", help="address to listen on; not for open networks")
    add("--port", type=int, default=8500, help="port for gRPC; 0 picks a free one")
    add("--http-port", type=int, default=8501, help="port for HTTP; 0 picks a free one")
    add("--socket", default="", help="also serve gRPC on this UNIX socket")
    add("--tls-key", type=Path, help="private key for gRPC over TLS")
    add("--tls-cert", type=Path, help="certificate for gRPC over TLS")
    add("--tls-client-ca", type=Path, help="require client certificates signed by this CA")
    add(
        "--batching-parameters-file",
        type=Path,
        help="parameters for all models",
    )
    add(
        "--without-preprocessing",
        action="store_true",
        help="serve image models as ones that take features; clients send these",
    )
    add(
        "--allow-server-writes",
        action="store_true",
        help="let profiler clients write traces",
    )
    add("--emulate-2-20", action="store_true", help="profile as TensorFlow 2.20 and older")
    add("--no-profiler", action="store_true", help="no profiler, as with --enable_profiler=false")
    add("--truth", type=Path, help="file for the truth, written at the end")
    add("--work", type=Path, help="empty folder for models and messages, removed at the end")
    add("--stop-with-stdin", action="store_true", help="end at the end of stdin")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal or the end of stdin; returns the exit status."""
    arguments = parse_arguments(argv)
    scenario = SCENARIOS[arguments.scenario]
    if arguments.without_preprocessing:
        scenario = without_preprocessing(scenario)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if arguments.stop_with_stdin:
        threading.Thread(target=_wait_for_stdin, args=(stop,), daemon=True).start()
    try:
        # TensorFlow takes seconds to import, so check first what can be checked without it.
        attributes = _attributes(scenario, arguments.batching_parameters_file)
        _check_port(arguments.host, arguments.port, "--port")
        _check_port(arguments.host, arguments.http_port, "--http-port")
        _serve_on_tensorflow(arguments, scenario, attributes, stop)
    except DiagError as error:
        sys.stderr.write(f"error: {error.message}\ncause: {error.cause}\nhint:  {error.hint}\n")
        return error.exit_code
    return 0


def _serve_on_tensorflow(
    arguments: argparse.Namespace,
    scenario: Scenario,
    attributes: dict[str, BatchFunctionAttributes | None],
    stop: threading.Event,
) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read on import
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import tensorflow as tf

    from diag.demo.server import serve

    tf.get_logger().setLevel("ERROR")
    serve(arguments, scenario, attributes, stop)


def _attributes(scenario: Scenario, file: Path | None) -> dict[str, BatchFunctionAttributes | None]:
    """Attributes by model: from the file for all models, else from the scenario."""
    if file is not None:
        same = attributes_from_parameters(read_batching_parameters(file, for_function=True))
        return {plan.name: same for plan in scenario.models}
    return {
        plan.name: None
        if plan.batching is None
        else attributes_from_parameters(parse_batching_parameters(plan.batching, for_function=True))
        for plan in scenario.models
    }


def _check_port(host: str, port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"the demo server cannot listen on {host}:{port}",
                cause=error.strerror or str(error),
                hint=f"{option} 0 picks a free port",
            ) from error


def _wait_for_stdin(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
