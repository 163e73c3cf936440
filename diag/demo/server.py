"""The demo server: models, gRPC, HTTP and the profiler on one registry."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from diag.demo.listening import listen_grpc, listen_http, make_profiler_proxy
from diag.demo.models import build_saved_model
from diag.demo.payloads import make_rows, write_payload
from diag.demo.prediction import ModelService, PredictionService
from diag.demo.registry import CODE_NAMES, PredictError, Registry
from diag.demo.servable import Servable, SessionOptions
from diag.demo.truth import write_truth

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from diag.demo.batching import BatchFunctionAttributes
    from diag.demo.scenario import Scenario

WARM_UP_REQUESTS = 3


def serve(
    arguments: argparse.Namespace,
    scenario: Scenario,
    attributes: dict[str, BatchFunctionAttributes | None],
    stop: threading.Event,
) -> None:
    """Build the models, serve them until ``stop`` is set, and write the truth.

    Args:
        arguments: The command line of ``diag.demo.serve``.
        scenario: The scenario to serve.
        attributes: By model, attributes of its BatchFunction; None: no in-graph batching.
        stop: Event that ends the server.

    Raises:
        UsageError: A port is in use.
    """
    with _work_folder(arguments.work) as work:
        registry = Registry(_load_models(scenario, attributes, work))
        _set_batching_gauges(registry, attributes, session_metadata=scenario.session_metadata)
        payloads = _prepare_payloads(scenario, registry, attributes, work)
        warmed_up = len(registry.truth())
        with _listening(arguments, registry, scenario.handler_threads) as addresses:
            ready = {**addresses, "scenario": scenario.name, "payloads": payloads}
            sys.stdout.write(json.dumps({**ready, "pid": os.getpid()}) + "\n")
            sys.stdout.flush()
            stop.wait()
    if arguments.truth is not None:
        requests = registry.truth()[warmed_up:]
        write_truth(arguments.truth, truth_facts(scenario, attributes), requests)


@contextmanager
def _work_folder(given: Path | None) -> Iterator[Path]:
    """Folder for models and messages; removed even if the parent made it, which may be gone."""
    folder = given or Path(tempfile.mkdtemp(prefix="diag-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _listening(
    arguments: argparse.Namespace, registry: Registry, handler_threads: int
) -> Iterator[dict[str, str]]:
    """Run gRPC and HTTP until the block ends and their requests are done; yields addresses."""
    handlers = futures.ThreadPoolExecutor(handler_threads, thread_name_prefix="grpc")
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),  # a port in use must be an error
    ]
    server = grpc.server(handlers, options=options)
    prediction = PredictionService(registry)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(prediction, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(registry), server)
    proxy = None if arguments.no_profiler else make_profiler_proxy(arguments)
    if proxy is not None:
        server.add_generic_rpc_handlers((proxy,))
    port = listen_grpc(server, arguments)
    rest = listen_http(arguments, registry)
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    server.start()
    yield {
        "server": f"{arguments.host}:{port}",
        "http": f"http://{arguments.host}:{rest.server_port}",
    }
    rest.shutdown()
    rest.server_close()
    server.stop(grace=5).wait()
    if proxy is not None:
        proxy.close()


def truth_facts(
    scenario: Scenario, attributes: dict[str, BatchFunctionAttributes | None]
) -> dict[str, Any]:
    """The facts about the scenario in truth.json."""
    return {
        "scenario": scenario.name,
        "story": scenario.story,
        "planted": scenario.planted,
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


def _load_models(
    scenario: Scenario, attributes: dict[str, BatchFunctionAttributes | None], work: Path
) -> dict[str, Servable]:
    options = SessionOptions(
        scenario.inter_op_threads, scenario.intra_op_threads, round(scenario.deadline_s * 1000)
    )
    options.size_pools()
    models = {}
    for plan in scenario.models:
        path = work / plan.name / "1"
        build_saved_model(plan, attributes[plan.name], path)
        models[plan.name] = Servable(
            plan.name, path, options, session_metadata=scenario.session_metadata
        )
    return models


def _set_batching_gauges(
    registry: Registry,
    attributes: dict[str, BatchFunctionAttributes | None],
    *,
    session_metadata: bool,
) -> None:
    """Set the gauges that BatchFunction sets on its first run, from its attributes.

    Without session metadata the label of the model is ``model_name_unset``, as in TensorFlow.
    """
    gauge = registry.metrics.set_batching_gauge
    for name, values in attributes.items():
        if values is None:
            continue
        model = (("model_name", name if session_metadata else "model_name_unset"),)
        labels = (*model, ("op_name", "batch/BatchFunction"))
        gauge("batch_timeout_micros", labels, values.batch_timeout_micros)
        gauge("max_batch_size", labels, values.max_batch_size)
        gauge("max_enqueued_batches", labels, values.max_enqueued_batches)
        gauge("num_batch_threads", model, values.num_batch_threads)


def _prepare_payloads(
    scenario: Scenario,
    registry: Registry,
    attributes: dict[str, BatchFunctionAttributes | None],
    work: Path,
) -> list[dict[str, Any]]:
    """Write the messages of every stream, and warm up the models with rows that they accept."""
    plans = {plan.name: plan for plan in scenario.models}
    prepared = []
    for number, stream in enumerate(scenario.streams):
        paths = []
        for count in stream.rows:
            rows = make_rows(plans[stream.model], count)
            limits = attributes[stream.model]
            if limits is None or count <= limits.max_batch_size:
                for _ in range(WARM_UP_REQUESTS):
                    _warm_up(registry, stream.model, rows)
            path = work / f"stream-{number}-{count}.predict"
            write_payload(stream, rows, path)
            paths.append(str(path))
        prepared.append({"model": stream.model, "files": paths})
    return prepared


def _warm_up(registry: Registry, model: str, rows: NDArray[Any]) -> None:
    """Run one request; the first may take longer than a short deadline allows."""
    try:
        registry.predict(registry.find(model), rows, arrival_unix_ns=0)
    except PredictError as error:
        if CODE_NAMES[error.code] != "DEADLINE_EXCEEDED":
            raise
