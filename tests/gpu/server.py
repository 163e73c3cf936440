"""The server's process: ``python -m tests.gpu.server --scenario no-demand --platform cpu``.

Prints one line of JSON to stdout when it takes requests. Ends when stdin ends, and then writes the
truth.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import grpc

    from tests.gpu.scenarios import Platform

MODEL_NAME = "jax"
HANDLER_THREADS = 48
PAYLOADS = 4
# Handlers and batch threads share one interpreter; its default of 5 ms would be a cause of its own.
GIL_SWITCH_INTERVAL_S = 1e-4


def set_jax_platform(platform: Platform) -> None:
    """To be called before JAX is imported: what it computes on, and without taking all memory."""
    os.environ["JAX_PLATFORMS"] = "cuda" if platform == "gpu" else "cpu"
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(argv: Sequence[str] | None = None) -> int:
    """Serves one scenario until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.server", description=__doc__)
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--platform", choices=("cpu", "gpu"), required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the payloads")
    parser.add_argument("--truth", type=Path, required=True)
    arguments = parser.parse_args(argv)
    set_jax_platform(arguments.platform)
    sys.setswitchinterval(GIL_SWITCH_INTERVAL_S)
    _serve(arguments)
    return 0


def _serve(arguments: argparse.Namespace) -> None:
    import grpc
    import jax

    from diag.formats.text.batching_parameters import parse_batching_parameters
    from tests.gpu.annotate import name_this_thread
    from tests.gpu.batcher import DynamicBatcher, Work
    from tests.gpu.clocked_log import ClockedLog
    from tests.gpu.model import Model
    from tests.gpu.scenarios import SCENARIOS

    scenario = SCENARIOS[arguments.scenario]
    parameters = parse_batching_parameters(scenario.batching)
    log = ClockedLog()
    model = Model(scenario.model, MODEL_NAME, arguments.platform, parameters.allowed_batch_sizes)
    batcher = DynamicBatcher(parameters, Work(model.merge, model.run, model.split), log)
    handlers = futures.ThreadPoolExecutor(
        HANDLER_THREADS, initializer=name_this_thread, initargs=("grpc_handler",)
    )
    options = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    server = grpc.server(handlers, options=options)
    server.add_generic_rpc_handlers((_handlers(model, batcher),))
    port = server.add_insecure_port("127.0.0.1:0")
    profiler_port = _free_port()
    profiler = jax.profiler.start_server(profiler_port)
    payloads = _write_payloads(scenario.model, arguments.work)
    log.forget()
    server.start()
    device = jax.devices()[0]
    facts = {
        "scenario": scenario.name,
        "story": scenario.story,
        "platform": arguments.platform,
        "device": device.device_kind,
        "jax": jax.__version__,
        "model": f"{MODEL_NAME}:1",
        "layers": model.layers,
        "batching_parameters": scenario.batching,
        "clock": "CLOCK_REALTIME of the server's host",
    }
    ready = {
        "grpc": f"127.0.0.1:{port}",
        "profiler": f"127.0.0.1:{profiler_port}",
        "payloads": payloads,
        "device": device.device_kind,
        "pid": os.getpid(),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    sys.stdin.read()  # ends when the parent closes it, or dies
    server.stop(grace=5).wait()
    batcher.close()
    del profiler
    log.write(arguments.truth, facts)


def _handlers(model: Any, batcher: Any) -> grpc.GenericRpcHandler:
    import grpc
    from google.protobuf.message import DecodeError

    from tests.gpu.batcher import QueueFullError
    from tests.gpu.messages import PREDICT, response_of, rows_of

    def predict(request: bytes, context: grpc.ServicerContext) -> bytes:
        arrival_unix_ns = time.time_ns()
        try:
            name, rows = rows_of(request)
            scores = batcher.run(model.decode(rows), len(rows), arrival_unix_ns)
        except (DecodeError, ValueError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except QueueFullError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return response_of(name, scores)

    service, method = PREDICT.strip("/").split("/")
    rpc: Callable[..., Any] = grpc.unary_unary_rpc_method_handler(predict)
    return grpc.method_handlers_generic_handler(service, {method: rpc})


def _free_port() -> int:
    """JAX takes no port 0; between here and its bind another process could take this one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_payloads(plan: Any, work: Path) -> list[str]:
    from tests.gpu.messages import request_of
    from tests.gpu.model import example_rows

    paths = [work / f"{number}.predict" for number in range(PAYLOADS)]
    for number, path in enumerate(paths):
        path.write_bytes(request_of(MODEL_NAME, example_rows(plan, number)))
    return [str(path) for path in paths]


if __name__ == "__main__":
    sys.exit(main())
