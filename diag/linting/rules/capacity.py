"""Numbers of threads against CPUs, and against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.text.batching_rules import SERVER_DEFAULT_MAX_BATCH_SIZE
from diag.linting.problem import Advice, problem
from diag.model.finding import RemedyPlace, Setting, Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.linting.deployment import Deployment, Server
    from diag.linting.problem import Problem

IDS = (
    "threads-exceed-cpus",
    "threads-not-limited",
    "handler-threads-below-batches",
    "rest-threads-too-few",
    "memory-fraction-out-of-range",
    "probe-counts-as-request",
)
# Twice as many threads as CPUs still fill waits; more only take turns (tensorflow/serving #340,
# #1272: latency grew with the ratio).
THREADS_PER_CPU_MAX = 2.0
_PARALLELISM = (
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
    "tensorflow_session_parallelism",
)
_OF_OPENMP = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
REST_THREADS_MIN = 2


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about numbers of threads, memory and probes."""
    for server in deployment.servers:
        yield from _too_many_threads(server)
        yield from _defaults_by_machine(server)
        yield from _handler_threads(server)
        yield from _rest_threads(server)
        yield from _memory_fraction(server)
        yield from _probes(server)


def _too_many_threads(server: Server) -> Iterator[Problem]:
    cpus, command = server.cpus, server.command
    if cpus is None:
        return
    for name in _PARALLELISM:
        value, use = command.number(name), command.flag(name)
        if value is not None and use is not None and value > THREADS_PER_CPU_MAX * max(cpus, 1):
            yield problem(
                "threads-exceed-cpus",
                Severity.WARNING,
                use.value_place,
                f"--{name}={value} on {cpus:g} CPUs: threads take turns, and latency grows with "
                "their number.",
                Advice(f"Set it to at most {max(round(cpus), 1)}.", RemedyPlace.SERVER_FLAG),
            )
    for name in _OF_OPENMP:
        text, place = command.container.env.get(name, ("", None))
        if place is not None and text.isdigit() and int(text) > THREADS_PER_CPU_MAX * max(cpus, 1):
            yield problem(
                "threads-exceed-cpus",
                Severity.WARNING,
                place,
                f"{name}={text} on {cpus:g} CPUs: each op that runs has so many threads.",
                Advice(f"Set it to at most {max(round(cpus), 1)}.", RemedyPlace.CONTAINER),
            )


def _defaults_by_machine(server: Server) -> Iterator[Problem]:
    """A CPU limit is a quota: the server still counts the CPUs of the machine."""
    container, command = server.command.container, server.command
    if container.cpus is None or container.cpus_place is None:
        return
    intra = command.number(_PARALLELISM[0])
    session = command.number(_PARALLELISM[2])
    if (intra or 0) > 0 or (session or 0) > 0 or command.flag("platform_config_file") is not None:
        return
    if command.flag(_PARALLELISM[0]) or command.flag(_PARALLELISM[2]):
        return  # put in later: not known
    yield problem(
        "threads-not-limited",
        Severity.WARNING,
        container.cpus_place,
        f"The limit of {container.cpus:g} CPUs does not change how many threads the server "
        "starts: it counts the CPUs of the machine, and is stopped for the rest of each 100 ms "
        "once they have used up the limit.",
        Advice(
            f"Add --tensorflow_intra_op_parallelism={max(round(container.cpus), 1)} and "
            f"--tensorflow_inter_op_parallelism={max(round(container.cpus), 1)}.",
            RemedyPlace.SERVER_FLAG,
        ),
        sure=False,
    )


def _handler_threads(server: Server) -> Iterator[Problem]:
    """A request holds a handler thread while it waits for its batch."""
    threads, command = server.grpc_threads, server.command
    if threads is None or not command.is_on("enable_batching"):
        return
    if command.is_on("enable_per_model_batching_parameters"):
        return
    if server.batching_file is not None and server.parameters is None:
        return  # refused: another rule says so
    if server.batching_file is None and command.flag("batching_parameters_file") is not None:
        return
    parameters = server.parameters
    size = parameters.max_batch_size if parameters else None
    size = SERVER_DEFAULT_MAX_BATCH_SIZE if size is None else size
    models = max(len(server.models), 1)
    if threads >= size * models:
        return
    use = command.flag("grpc_max_threads")
    of_models = f" for each of {models} models" if models > 1 else ""
    yield problem(
        "handler-threads-below-batches",
        Severity.WARNING,
        use.place if use else command.place,
        f"At most {threads} requests over gRPC are open at a time, and a batch takes up to {size} "
        f"rows{of_models}: batches of single-row requests never fill, and each waits for its "
        "timeout.",
        Advice(
            f"Set --grpc_max_threads to {2 * size * models} or more, or lower max_batch_size.",
            RemedyPlace.SERVER_FLAG,
            Setting("grpc_max_threads", threads, 2 * size * models),
        ),
        sure=False,
    )


def _rest_threads(server: Server) -> Iterator[Problem]:
    value = server.command.number("rest_api_num_threads")
    use = server.command.flag("rest_api_num_threads")
    if value is not None and use is not None and value < REST_THREADS_MIN:
        yield problem(
            "rest-threads-too-few",
            Severity.WARNING,
            use.value_place,
            f"--rest_api_num_threads={value}: a single slow request blocks the whole REST API, "
            "probes and metrics included.",
            Advice(
                "Remove the flag (4 threads a CPU are the default), or set at least as many as "
                "requests are open at a time.",
                RemedyPlace.SERVER_FLAG,
            ),
        )


def _memory_fraction(server: Server) -> Iterator[Problem]:
    """Above 1 means unified memory (gpu_device.cc, TensorFlow 2.21)."""
    name = "per_process_gpu_memory_fraction"
    use = server.command.flag(name)
    try:
        value = float(server.command.text(name) or 0)
    except ValueError:
        return  # refused: another rule says so
    if use is not None and not 0 <= value <= 1:
        effect = (
            "the server then uses unified memory, and moves data between host and GPU"
            if value > 1
            else "the server takes no such part"
        )
        yield problem(
            "memory-fraction-out-of-range",
            Severity.WARNING,
            use.value_place,
            f"--{name}={value:g} is not between 0 and 1: {effect}.",
            Advice("Write a part of the GPU's memory, such as 0.9.", RemedyPlace.SERVER_FLAG),
        )


def _probes(server: Server) -> Iterator[Problem]:
    """The answers to GET /v1/models/… are in the request metrics (http_server.cc, 9d981c5c)."""
    for url, place in server.command.container.probe_urls:
        if url.startswith("/v1/models/"):
            yield problem(
                "probe-counts-as-request",
                Severity.INFO,
                place,
                f"The probe's answers to {printable(url, 80)} count in request_count and "
                'request_latency, with API="": dashboards that do not leave them out show '
                "requests without traffic.",
                Advice(
                    'In dashboards and alerts, take series with API=~"(?i)predict|classify|'
                    'regress|multi_?inference" only; or probe over gRPC with '
                    "--enable_grpc_healthcheck_service.",
                    RemedyPlace.CONTAINER,
                ),
            )
