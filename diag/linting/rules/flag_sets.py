"""Flags that do not go together, and flags without which others do nothing.

Source: Server::BuildAndStart in tensorflow_serving/model_servers/server.cc, 9d981c5c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.linting.flags import DEFAULT_GRPC_PORT, IGNORED_WITH_PLATFORM_CONFIG, refusal
from diag.linting.problem import flag_advice, problem
from diag.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.linting.deployment import Deployment, Server
    from diag.linting.documents import ServerCommand
    from diag.linting.flags import FlagUse
    from diag.linting.problem import Problem

IDS = (
    "batching-not-enabled",
    "flag-ineffective",
    "parallelism-conflict",
    "ports-clash",
    "model-not-given",
    "credentials-conflict",
    "metrics-without-rest",
)
_INTRA, _INTER, _SESSION = (
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
    "tensorflow_session_parallelism",
)


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about several flags of one command."""
    for server in deployment.servers:
        command = server.command
        if command.flag("version") is not None:
            continue
        yield from _batching(command)
        yield from _ineffective(command)
        yield from _parallelism(command)
        yield from _ports(command)
        yield from _model(command)
        yield from _credentials(command)
        yield from _metrics(server)


def _batching(command: ServerCommand) -> Iterator[Problem]:
    if command.is_on("enable_batching") or command.flag("platform_config_file") is not None:
        return
    asked = command.flag("enable_batching")
    if asked is not None and (refusal(asked) or asked.is_variable):
        return  # refused: another rule says so; or put in later
    file = command.flag("batching_parameters_file")
    if file is not None and file.value != "":
        yield problem(
            "batching-not-enabled",
            Severity.CRITICAL,
            file.place,
            "--batching_parameters_file without --enable_batching: the server does not start.",
            flag_advice("Add --enable_batching."),
        )
    per_model = command.flag("enable_per_model_batching_parameters")
    if per_model is not None and command.is_on("enable_per_model_batching_parameters"):
        yield problem(
            "batching-not-enabled",
            Severity.CRITICAL,
            per_model.place,
            "--enable_per_model_batching_parameters does nothing without --enable_batching: no "
            "model is batched.",
            flag_advice("Add --enable_batching."),
        )


def _ineffective(command: ServerCommand) -> Iterator[Problem]:
    platform = command.flag("platform_config_file")
    if platform is not None and platform.value:
        for use in _uses(command, IGNORED_WITH_PLATFORM_CONFIG):
            yield problem(
                "flag-ineffective",
                Severity.CRITICAL,
                use.place,
                f"--{use.name} does nothing together with --platform_config_file.",
                flag_advice(
                    "Set it in the platform_config_file (session_bundle_config), or drop that file."
                ),
            )
    models = command.flag("model_config_file")
    if models is not None and models.value:
        for use in _uses(command, ("model_name", "model_base_path")):
            yield problem(
                "flag-ineffective",
                Severity.WARNING,
                use.place,
                f"--{use.name} does nothing together with --model_config_file.",
                flag_advice("Remove it, or put the model into the model_config_file."),
            )
    session = command.flag("tensorflow_session_config_file")
    if session is not None and session.value:
        yield problem(
            "flag-ineffective",
            Severity.INFO,
            session.place,
            "Threads and GPU memory fraction of --tensorflow_session_config_file are overwritten "
            "by the server's flags, even where these are not given (then with 0, automatic).",
            flag_advice(
                "Set threads with --tensorflow_intra_op_parallelism and "
                "--tensorflow_inter_op_parallelism, and memory with "
                "--per_process_gpu_memory_fraction."
            ),
        )


def _uses(command: ServerCommand, names: tuple[str, ...]) -> Iterator[FlagUse]:
    for name in names:
        use = command.flag(name)
        if use is not None and not use.is_implied:
            yield use


def _parallelism(command: ServerCommand) -> Iterator[Problem]:
    intra, inter, session = (command.number(name) or 0 for name in (_INTRA, _INTER, _SESSION))
    use = command.flag(_SESSION)
    if session > 0 and use is not None:
        if intra > 0 and inter > 0:
            yield problem(
                "parallelism-conflict",
                Severity.CRITICAL,
                use.place,
                f"--{_SESSION}, --{_INTRA} and --{_INTER} are all set: the server does not start.",
                flag_advice(f"Remove --{_SESSION}."),
            )
        elif intra > 0 or inter > 0:
            other = _INTRA if intra > 0 else _INTER
            yield problem(
                "parallelism-conflict",
                Severity.WARNING,
                use.place,
                f"--{_SESSION} is ignored, as --{other} is set; the third number of threads is "
                "automatic.",
                flag_advice(f"Remove --{_SESSION}, and set both --{_INTRA} and --{_INTER}."),
            )
    for name in (_INTRA, _INTER, _SESSION):
        value, given = command.number(name), command.flag(name)
        if value is not None and value < 0 and given is not None:
            yield problem(
                "parallelism-conflict",
                Severity.WARNING,
                given.value_place,
                f"--{name}={value}: the server passes on numbers above 0 only, so this is "
                "automatic.",
                flag_advice("Set the number of threads, or remove the flag."),
            )


def _ports(command: ServerCommand) -> Iterator[Problem]:
    grpc = command.number("port")
    rest, use = command.number("rest_api_port"), command.flag("rest_api_port")
    given = command.flag("port")
    is_default = given is None or given.value is None
    port = DEFAULT_GRPC_PORT if is_default else grpc
    if rest and rest == port and use is not None:
        yield problem(
            "ports-clash",
            Severity.CRITICAL,
            use.value_place,
            f"--rest_api_port is the gRPC port {port}: the server starts without a REST API.",
            flag_advice("Choose two different ports, such as 8500 and 8501."),
        )
    if grpc == 0 and not command.text("grpc_socket_path"):
        place = command.flag("port")
        yield problem(
            "ports-clash",
            Severity.CRITICAL,
            place.place if place else command.place,
            "--port=0 without --grpc_socket_path: the server does not start.",
            flag_advice("Set --port, or --grpc_socket_path."),
        )


def _model(command: ServerCommand) -> Iterator[Problem]:
    given = [command.flag(name) for name in ("model_base_path", "model_config_file")]
    if not any(use is not None and use.value != "" for use in given):
        yield problem(
            "model-not-given",
            Severity.CRITICAL,
            command.place,
            "Neither --model_base_path nor --model_config_file is set: the server does not start.",
            flag_advice("Add --model_base_path=/models/NAME, without the version's folder."),
        )


def _credentials(command: ServerCommand) -> Iterator[Problem]:
    ssl = command.flag("ssl_config_file")
    if ssl is not None and ssl.value and command.is_on("use_alts_credentials"):
        yield problem(
            "credentials-conflict",
            Severity.CRITICAL,
            ssl.place,
            "--ssl_config_file together with --use_alts_credentials: the server does not start.",
            flag_advice("Keep one of the two."),
        )


def _metrics(server: Server) -> Iterator[Problem]:
    """The metrics page is served by the REST server (http_server.cc)."""
    command = server.command
    use = command.flag("monitoring_config_file")
    rest = command.flag("rest_api_port")
    off = rest is None or command.number("rest_api_port") == 0
    if use is not None and use.value and off:
        yield problem(
            "metrics-without-rest",
            Severity.CRITICAL,
            use.place,
            "--monitoring_config_file without --rest_api_port: there is no metrics page, as the "
            "REST server would serve it.",
            flag_advice("Add --rest_api_port=8501."),
        )
