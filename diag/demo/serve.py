"""The server's process: ``python -m diag.demo.serve --scenario healthy``.

Prints one line of JSON to stdout when it takes requests: the addresses, the models and where the
load generator finds its messages. Ends on SIGTERM, SIGINT, or with ``--stop-with-stdin`` when stdin
ends, and then writes the truth.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before TensorFlow is imported: it logs to stderr on import otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import grpc
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from diag.demo.batching import BatchFunctionAttributes, attributes_from_parameters
from diag.demo.models import build_saved_model
from diag.demo.payloads import make_rows, write_payload
from diag.demo.prediction import ModelService, PredictionService
from diag.demo.profiler_proxy import ProfilerProxy, ProxyPolicy
from diag.demo.registry import Registry
from diag.demo.rest import RestServer
from diag.demo.scenarios import SCENARIOS, ModelPlan, Scenario
from diag.demo.servable import Servable, Threads
from diag.demo.truth import write_truth
from diag.errors import DiagError, UsageError
from diag.formats.batching_parameters import parse_batching_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

HANDLER_THREADS = 64  # one is held by every request in flight, queued or running
WARM_UP_REQUESTS = 3


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The server's options."""
    parser = argparse.ArgumentParser(prog="python -m diag.demo.serve", description=__doc__)
    add = parser.add_argument
    add("--scenario", choices=sorted(SCENARIOS), default="healthy")
    add("--host", default="127.0.0.1", help="not for open networks")
    add("--port", type=int, default=8500, help="gRPC; 0 picks a free one")
    add("--http-port", type=int, default=8501, help="HTTP; 0 picks a free one")
    add("--socket", default="", help="also serve gRPC on this UNIX socket")
    add("--tls-key", type=Path, help="with --tls-cert: gRPC over TLS")
    add("--tls-cert", type=Path)
    add("--tls-client-ca", type=Path, help="ask clients for a certificate signed by this")
    add("--batching-parameters-file", type=Path, help="instead of the scenario's own")
    add("--allow-server-writes", action="store_true", help="let profiler clients write here")
    add("--emulate-2-20", action="store_true", help="profile as TensorFlow 2.20 and older do")
    add("--no-profiler", action="store_true", help="as --enable_profiler=false")
    add("--truth", type=Path, help="write truth.json here at the end")
    add("--stop-with-stdin", action="store_true", help="end when stdin ends")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until told to stop."""
    arguments = parse_arguments(argv)
    scenario = SCENARIOS[arguments.scenario]
    tf.get_logger().setLevel("ERROR")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if arguments.stop_with_stdin:
        threading.Thread(target=_wait_for_stdin, args=(stop,), daemon=True).start()
    try:
        attributes = _attributes(scenario, arguments.batching_parameters_file)
        with tempfile.TemporaryDirectory(prefix="diag-demo-") as work:
            _serve(arguments, scenario, attributes, Path(work), stop)
    except DiagError as error:
        sys.stderr.write(f"error: {error.message}\ncause: {error.cause}\nhint:  {error.hint}\n")
        return error.exit_code
    return 0


def _serve(
    arguments: argparse.Namespace,
    scenario: Scenario,
    attributes: dict[str, BatchFunctionAttributes | None],
    work: Path,
    stop: threading.Event,
) -> None:
    registry = Registry(_load_models(scenario, attributes, work))
    _set_batching_gauges(registry, attributes)
    payloads = _prepare_payloads(scenario, registry, work)
    warmed_up = len(registry.truth())
    handlers = futures.ThreadPoolExecutor(HANDLER_THREADS, thread_name_prefix="grpc")
    server = grpc.server(
        handlers,
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(registry), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(registry), server)
    proxy = None if arguments.no_profiler else _profiler_proxy(arguments)
    if proxy is not None:
        server.add_generic_rpc_handlers((proxy,))
    port = _bind(server, arguments)
    rest = _rest_server(arguments, registry)
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    server.start()
    ready = {
        "scenario": scenario.name,
        "server": f"{arguments.host}:{port}",
        "http": f"http://{arguments.host}:{rest.server_port}",
        "pid": os.getpid(),
        "payloads": payloads,
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    stop.wait()
    rest.shutdown()
    rest.server_close()
    server.stop(grace=5).wait()
    if proxy is not None:
        proxy.close()
    if arguments.truth is not None:
        write_truth(
            arguments.truth, truth_facts(scenario, attributes), registry.truth()[warmed_up:]
        )


def truth_facts(
    scenario: Scenario, attributes: dict[str, BatchFunctionAttributes | None]
) -> dict[str, Any]:
    """What truth.json says beside the requests."""
    return {
        "scenario": scenario.name,
        "story": scenario.story,
        "planted_cause": scenario.cause,
        "victim": scenario.victim,
        "clock": "CLOCK_REALTIME of the server's host, read in Python and by tf.timestamp()",
        "tensorflow": tf.__version__,
        "inter_op_threads": scenario.inter_op_threads,
        "batching": {
            name: None
            if values is None
            else {
                "max_batch_size": values.max_batch_size,
                "max_execution_batch_size": values.max_execution_batch_size,
                "batch_timeout_micros": values.batch_timeout_micros,
                "num_batch_threads": values.num_batch_threads,
            }
            for name, values in attributes.items()
        },
    }


def _attributes(scenario: Scenario, file: Path | None) -> dict[str, BatchFunctionAttributes | None]:
    override = None if file is None else file.read_text(encoding="utf-8")
    return {plan.name: _model_attributes(plan, override) for plan in scenario.models}


def _model_attributes(plan: ModelPlan, override: str | None) -> BatchFunctionAttributes | None:
    text = plan.batching if override is None else override
    return None if text is None else attributes_from_parameters(parse_batching_parameters(text))


def _load_models(
    scenario: Scenario, attributes: dict[str, BatchFunctionAttributes | None], work: Path
) -> dict[str, Servable]:
    threads = Threads(scenario.inter_op_threads, scenario.intra_op_threads)
    models = {}
    for plan in scenario.models:
        path = work / plan.name / "1"
        build_saved_model(plan, attributes[plan.name], path)
        models[plan.name] = Servable(
            plan.name, path, threads, session_metadata=scenario.session_metadata
        )
    return models


def _set_batching_gauges(
    registry: Registry, attributes: dict[str, BatchFunctionAttributes | None]
) -> None:
    """The gauges that BatchFunction sets on its first run; values are its own attributes."""
    gauge = registry.metrics.set_batching_gauge
    for name, values in attributes.items():
        if values is None:
            continue
        model = (("model_name", name),)
        labels = (*model, ("op_name", "batch/BatchFunction"))
        gauge("batch_timeout_micros", labels, values.batch_timeout_micros)
        gauge("max_batch_size", labels, values.max_batch_size)
        gauge("max_enqueued_batches", labels, values.max_enqueued_batches)
        gauge("num_batch_threads", model, values.num_batch_threads)


def _prepare_payloads(scenario: Scenario, registry: Registry, work: Path) -> list[dict[str, Any]]:
    """Writes every stream's messages, and warms the models up with the same rows."""
    plans = {plan.name: plan for plan in scenario.models}
    prepared = []
    for number, stream in enumerate(scenario.streams):
        paths = []
        for count in stream.rows:
            rows = make_rows(plans[stream.model], count)
            for _ in range(WARM_UP_REQUESTS):
                registry.predict(registry.find(stream.model), rows, arrival_unix_ns=0)
            path = work / f"stream-{number}-{count}.predict"
            write_payload(plans[stream.model], rows, path)
            paths.append(str(path))
        prepared.append({"model": stream.model, "files": paths})
    return prepared


def _profiler_proxy(arguments: argparse.Namespace) -> ProfilerProxy:
    inner_port = _free_port()
    # Listens on all addresses, without authentication: why the demo is not for open networks.
    tf.profiler.experimental.server.start(inner_port)
    policy = ProxyPolicy(arguments.allow_server_writes, arguments.emulate_2_20)
    return ProfilerProxy(f"127.0.0.1:{inner_port}", policy)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _rest_server(arguments: argparse.Namespace, registry: Registry) -> RestServer:
    address = (arguments.host, arguments.http_port)
    try:
        return RestServer(address, registry)
    except OSError as error:
        raise _taken(f"{address[0]}:{address[1]}", "--http-port", error) from error


def _bind(server: grpc.Server, arguments: argparse.Namespace) -> int:
    address = f"{arguments.host}:{arguments.port}"
    try:
        if arguments.socket:
            server.add_insecure_port(f"unix:{arguments.socket}")
        port: int = (
            server.add_insecure_port(address)
            if arguments.tls_cert is None
            else server.add_secure_port(address, _credentials(arguments))
        )
    except RuntimeError as error:
        raise _taken(address, "--port", error) from error
    return port


def _taken(address: str, option: str, error: Exception) -> UsageError:
    return UsageError(
        f"the demo server cannot listen on {address}",
        cause=str(error),
        hint=f"{option} 0 picks a free port",
    )


def _credentials(arguments: argparse.Namespace) -> grpc.ServerCredentials:
    client_ca = arguments.tls_client_ca.read_bytes() if arguments.tls_client_ca else None
    return grpc.ssl_server_credentials(
        [(arguments.tls_key.read_bytes(), arguments.tls_cert.read_bytes())],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def _wait_for_stdin(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
