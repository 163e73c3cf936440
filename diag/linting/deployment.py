"""Which files, commands and models belong together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from diag.errors import BatchingParametersError
from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.linting.documents import (
    ConfigFile,
    Invented,
    Kind,
    SavedModel,
    ServerCommand,
    ServerLog,
    Unreadable,
)
from diag.linting.flags import THREADS_PER_CPU
from diag.linting.reading import PER_MODEL_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from diag.formats.config.text_proto import Field
    from diag.linting.documents import Document
    from diag.model.batching import BatchingParameters


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a server is told to serve.

    Attributes:
        name: As in requests.
        base_path: As written; "" if not known.
        saved: Its version folders among what was read.
    """

    name: str
    base_path: str
    saved: tuple[SavedModel, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """One server's command, and what its flags name.

    Attributes:
        batching_file: The file of its batching flag, if it was read.
        models: Of the two flags or the file.
        cpus: Its limit, else the machine's CPUs; None if neither is known.
        machine_cpus: The CPUs that the server counts: a container's limit does not change them
            (port::NumSchedulableCPUs reads the affinity, TensorFlow 2.21).
        memory_bytes: Its limit, else the machine's.
    """

    command: ServerCommand
    batching_file: ConfigFile | None
    models: tuple[Model, ...]
    cpus: float | None
    machine_cpus: float | None
    memory_bytes: int | None

    @property
    def parameters(self) -> BatchingParameters | None:
        """What its batching file sets; None without a file that the server would take."""
        return parameters_of(self.batching_file)

    def batches(self, saved: SavedModel) -> bool:
        """Whether it batches a model: with per-model files, only one that has its own."""
        if not self.command.is_on("enable_batching"):
            return False
        per_model = self.command.is_on("enable_per_model_batching_parameters")
        return saved.per_model_batching or not per_model

    @property
    def grpc_threads(self) -> int | None:
        """Most requests over gRPC at a time: the flag, or the default for its CPUs."""
        given = self.command.number("grpc_max_threads")
        if given is not None:
            return given
        return None if self.machine_cpus is None else int(THREADS_PER_CPU * self.machine_cpus)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything that was read, and what belongs to what.

    Attributes:
        documents: All.
        servers: One for each command.
    """

    documents: tuple[Document, ...]
    servers: tuple[Server, ...]

    def config_files(self, kind: Kind) -> Iterator[ConfigFile]:
        """The files of one kind."""
        for each in self.documents:
            if isinstance(each, ConfigFile) and each.kind is kind:
                yield each

    def saved_models(self) -> Iterator[SavedModel]:
        """The version folders."""
        return (each for each in self.documents if isinstance(each, SavedModel))

    def logs(self) -> Iterator[ServerLog]:
        """The servers' logs."""
        return (each for each in self.documents if isinstance(each, ServerLog))

    def invented(self) -> Iterator[Invented]:
        """Settings in forms that no server reads."""
        return (each for each in self.documents if isinstance(each, Invented))

    def unreadable(self) -> Iterator[Unreadable]:
        """What could not be read."""
        return (each for each in self.documents if isinstance(each, Unreadable))

    def server_of_model(self, saved: SavedModel) -> Server | None:
        """The server that serves a version; the only one if no path tells."""
        for server in self.servers:
            if any(saved in model.saved for model in server.models):
                return server
        return self.servers[0] if len(self.servers) == 1 else None


def assemble(
    documents: Iterable[Document], cpus: float | None = None, memory_bytes: int | None = None
) -> Deployment:
    """Put documents together.

    Args:
        documents: In any order.
        cpus: Of the machine.
        memory_bytes: Likewise.
    """
    found = tuple(documents)
    files = [each for each in found if isinstance(each, ConfigFile)]
    saved = [each for each in found if isinstance(each, SavedModel)]
    servers = []
    for command in found:
        if not isinstance(command, ServerCommand):
            continue
        container = command.container
        models_file = _named(files, Kind.MODELS, command.text("model_config_file"))
        servers.append(
            Server(
                command=command,
                batching_file=_named(
                    files, Kind.BATCHING, command.text("batching_parameters_file")
                ),
                models=tuple(_models(command, models_file, saved)),
                cpus=container.cpus if container.cpus is not None else cpus,
                machine_cpus=cpus,
                memory_bytes=(
                    container.memory_bytes if container.memory_bytes is not None else memory_bytes
                ),
            )
        )
    return Deployment(found, tuple(servers))


def parameters_of(file: ConfigFile | None) -> BatchingParameters | None:
    """What a batching file sets; None where the server would refuse it."""
    if file is None:
        return None
    try:
        return parse_batching_parameters(file.text)
    except BatchingParametersError:
        return None


def model_configs(file: ConfigFile) -> Iterator[Field]:
    """The ``config`` messages of a model_config_file."""
    for outer in file.fields:
        if outer.name == "model_config_list":
            yield from outer.all("config")


def _named(files: list[ConfigFile], kind: Kind, path: str) -> ConfigFile | None:
    """The file that a flag names: of the same kind and base name, with the longest common end."""
    if not path:
        return None
    wanted = PurePosixPath(path)
    fitting = [
        each
        for each in files
        if each.kind is kind and each.name == wanted.name and each.name != PER_MODEL_FILE
    ]
    return max(fitting, key=lambda each: _common_end(wanted, each.place.path), default=None)


def _common_end(wanted: PurePosixPath, path: str) -> int:
    pairs = zip(reversed(wanted.parts), reversed(PurePosixPath(path).parts), strict=False)
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count


def _models(
    command: ServerCommand, models_file: ConfigFile | None, saved: list[SavedModel]
) -> Iterator[Model]:
    if models_file is not None:
        for config in model_configs(models_file):
            named, placed = config.get("name"), config.get("base_path")
            written = placed.value if placed else ""
            yield Model(named.value if named else "", written, _versions(written, saved))
    elif not command.text("model_config_file"):
        path = command.text("model_base_path")
        name = command.text("model_name")
        if path or command.flag("model_base_path") is not None:
            yield Model(name or "default", path, _versions(path, saved))


def _versions(base_path: str, saved: list[SavedModel]) -> tuple[SavedModel, ...]:
    """The version folders whose model folder has the name that the base path ends in."""
    name = PurePosixPath(base_path).name
    return tuple(each for each in saved if name and each.model == name)
