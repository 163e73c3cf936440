"""What lint read: one type for each kind of thing that configures a server."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from diag.formats.config.place import Place
    from diag.formats.config.text_proto import Field
    from diag.formats.config.yaml_tree import Node
    from diag.formats.saved_model.graph import SavedModelGraph
    from diag.linting.flags import Arguments, FlagUse


class Kind(enum.Enum):
    """Which message a file in protobuf's text format holds, in words."""

    BATCHING = "batching_parameters_file"
    MODELS = "model_config_file"
    MONITORING = "monitoring_config_file"
    PLATFORM = "platform_config_file"
    SESSION = "tensorflow_session_config_file"
    SSL = "ssl_config_file"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file, or a part of one, in the text format.

    Attributes:
        place: Of its first character.
        name: Base name that flags call it by: of the file, or of the ConfigMap's entry.
        text: Without anything around it.
    """

    place: Place
    name: str
    kind: Kind
    fields: tuple[Field, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something meant to configure a server that is not in a form it takes.

    Attributes:
        what: Why, in half a sentence.
        kind: What it was meant to be, as far as that shows.
    """

    place: Place
    what: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Invented:
    """Settings in a form that no server reads, such as JSON.

    Attributes:
        form: ``JSON``, ``YAML`` or ``text``.
        name: Base name of the file.
        root: The tree of JSON or YAML; None of a text.
        fields: Of a text; empty else.
    """

    place: Place
    form: str
    name: str
    root: Node | None = None
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """What a manifest says around a command; None or empty where it does not.

    Attributes:
        cpus: The CPU limit.
        cpus_place: Where it stands.
        env: Environment variables with a plain value, and their places.
        probe_urls: Paths of HTTP probes, and their places.
    """

    cpus: float | None = None
    cpus_place: Place | None = None
    memory_bytes: int | None = None
    image: str = ""
    env: dict[str, tuple[str, Place]] = field(default_factory=dict)
    probe_urls: tuple[tuple[str, Place], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """One command line of a server.

    Attributes:
        place: Of the program's name, or of the first argument.
        arguments: As the server reads them.
    """

    place: Place
    arguments: Arguments
    container: Container

    def flag(self, name: str) -> FlagUse | None:
        """The use that counts, which is the last; None where the flag is not set."""
        return next((f for f in reversed(self.arguments.flags) if f.name == name), None)

    def text(self, name: str) -> str:
        """A flag's value; "" where it is not set or not known."""
        use = self.flag(name)
        return "" if use is None or use.value is None or use.is_variable else use.value

    def number(self, name: str) -> int | None:
        """A whole number; None where it is not set or not known."""
        value = self.text(name).strip()
        return int(value) if value.lstrip("+-").isdigit() else None

    def is_on(self, name: str, *, default: bool = False) -> bool:
        """A bool flag as the server reads it."""
        use = self.flag(name)
        if use is None or use.is_variable:
            return default
        return use.value in (None, "true")


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model's version folder.

    Attributes:
        place: Of its saved_model.pb.
        folder: With the saved_model.pb.
        model: Name of the model's folder, without the version; "" if there is none.
        graph: Read from it.
        warmup_rows: Rows of each warm-up request; None without the file.
        bytes_on_disk: Of all its files.
        per_model_batching: Whether it has a ``batching_params.pbtxt``.
    """

    place: Place
    folder: Path
    model: str
    graph: SavedModelGraph
    warmup_rows: tuple[int, ...] | None
    bytes_on_disk: int
    per_model_batching: bool


@dataclass(frozen=True, slots=True)
class ServerLog:
    """A log of a server: its lines, without line ends."""

    place: Place
    lines: tuple[str, ...]


Document = ConfigFile | Unreadable | Invented | ServerCommand | SavedModel | ServerLog
